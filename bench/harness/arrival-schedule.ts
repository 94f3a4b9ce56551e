/** When each message of a controlled arrival is due. Plain data, because it is sent to the process of the publishers. */
export interface ArrivalSchedule {
  /** Messages a second. */
  readonly rate: number;
  /** So many messages more are due at once, when message `from` is. */
  readonly burst?: { readonly from: number; readonly messages: number };
}

/** ms after the start at which message `index` is due. Never less than for the message before it. */
export function dueMs({ rate, burst }: ArrivalSchedule, index: number): number {
  const nth = burst === undefined || index < burst.from ? index : Math.max(burst.from, index - burst.messages);
  return (nth * 1000) / rate;
}
