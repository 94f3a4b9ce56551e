/** Whether memory stays where it was: what `npm run memory` concludes from its samples. */

export interface MemorySample {
  /** Since the load began. */
  readonly seconds: number;
  readonly handled: number;
  readonly rssBytes: number;
  /** Heap after a collection and what is outside of it, of the main thread and of each thread. */
  readonly threads: readonly { readonly name: string; readonly bytes: number }[];
}

export interface MemoryVerdict {
  readonly name: string;
  /** Median of the samples around the first mark, a quarter of the time but at most five minutes. */
  readonly atMark: number;
  /** Median of as many at the end. */
  readonly atEnd: number;
  readonly ratio: number;
  readonly ok: boolean;
}

export const MARK_SHARE: number = 0.25;
export const MARK_SECONDS: number = 300;
/** What it may grow by. Less is never wrong: it only shows that the beginning was more. */
const GROWTH = 1.1;
/** Samples whose median stands for a moment: one may come in the middle of a burst. */
const AROUND = 5;
/** Growth below this is noise: a few pages of code, a resized table. */
const SLACK_BYTES = 2 * 1024 * 1024;

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[sorted.length >> 1] ?? Number.NaN;
}

/** One verdict for the whole process and one for each thread that there is from the mark on. */
export function judgeMemory(samples: readonly MemorySample[]): MemoryVerdict[] {
  const last = samples.at(-1);
  if (last === undefined) return [];
  const mark = Math.min(MARK_SECONDS, last.seconds * MARK_SHARE);
  const from = samples.findIndex(({ seconds }) => seconds >= mark);
  const early = samples.slice(from, from + AROUND);
  const late = samples.slice(-AROUND);
  const series = [
    { name: 'process (RSS)', of: ({ rssBytes }: MemorySample) => rssBytes },
    ...last.threads.map(({ name }) => ({
      name,
      of: ({ threads }: MemorySample) => threads.find((thread) => thread.name === name)?.bytes ?? Number.NaN,
    })),
  ];
  return series.map(({ name, of }) => {
    const atMark = median(early.map(of).filter(Number.isFinite));
    const atEnd = median(late.map(of).filter(Number.isFinite));
    const ok = atEnd <= Math.max(atMark * GROWTH, atMark + SLACK_BYTES);
    return { name, atMark, atEnd, ratio: atEnd / atMark, ok };
  });
}
