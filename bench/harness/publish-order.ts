/** What the harness and the process of the publishers say to each other. */
import type { ArrivalSchedule } from './arrival-schedule.ts';

export interface PublishOrder {
  readonly amqpUrl: string;
  readonly queue: string;
  readonly seed: number;
  readonly messages: number;
  readonly load: Load;
}

/** What makes a message leave: the confirm of an earlier one, or the clock. */
export type Load =
  | { readonly kind: 'awaiting'; readonly publishers: number }
  | { readonly kind: 'paced'; readonly schedule: ArrivalSchedule };

export interface PublishReport {
  /** When each message was handed to the socket, ms; in the order of their ids. */
  readonly publishTimes: Float64Array;
  /** When each was to leave; the same as `publishTimes` where nothing but a confirm says when. */
  readonly dueTimes: Float64Array;
  readonly cpuMicros: number;
  readonly refused: number;
}

export type ToPublishers = { readonly kind: 'order'; readonly order: PublishOrder } | { readonly kind: 'go' };
export type FromPublishers =
  | { readonly kind: 'connected' }
  | { readonly kind: 'report'; readonly report: PublishReport };
