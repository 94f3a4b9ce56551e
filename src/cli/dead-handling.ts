import type { DeadLetterProgress, DeadLetterSummary } from '../dead-letters/letter-tally.ts';
import { isRuntimeError } from '../errors/runtime-error.ts';
import type { CommandIo } from './command.ts';
import type { DeadSession } from './dead-call.ts';
import { complainOf } from './dead-words.ts';
import { DONE, FAILED } from './exit-code.ts';
import { jsonLine } from './letter-json.ts';
import { paintFor } from './paint.ts';
import { printable } from './printable.ts';
import { group, ProgressLine } from './progress-line.ts';

const SHOW_PROGRESS_AFTER_MS = 2_000;
const REFUSALS_SHOWN = 10;

/** How a replay or a drop is told of. */
export interface Handling {
  /** `replay` or `drop`. */
  readonly action: string;
  readonly json: boolean;
  /** The sentence for people. */
  readonly sentence: (summary: DeadLetterSummary) => string;
  readonly work: (onProgress: (progress: DeadLetterProgress) => void) => Promise<DeadLetterSummary>;
}

/** Runs a replay or a drop with its progress line, and reports what it did, also when it ended early. */
export async function handleLetters(session: DeadSession, io: CommandIo, handling: Handling): Promise<number> {
  const progress = progressOn(io, handling);
  try {
    const summary = await handling.work(progress.update);
    progress.finish();
    report(summary, io, handling);
    if (session.signal.aborted) return session.interrupted();
    const troubled = summary.refusedCount > 0 || summary.missing.length > 0 || summary.doubtful > 0;
    return troubled ? FAILED : DONE;
  } catch (error) {
    progress.finish();
    if (isRuntimeError(error, 'E_DEAD_LETTERS_INCOMPLETE'))
      report(error.details['summary'] as DeadLetterSummary, io, handling);
    throw error;
  }
}

function report(summary: DeadLetterSummary, io: CommandIo, { action, json, sentence }: Handling): void {
  const { deadQueue, refused, refusedCount, missing, doubtful, ending } = summary;
  io.stdout.write(json ? jsonLine({ action, ...summary }) : `${sentence(summary)}\n`);
  const warn = (text: string): void => void io.stderr.write(`millrace: ${text}\n`);
  for (const { id, reason } of refused.slice(0, REFUSALS_SHOWN)) warn(`not replayed: ${printable(`${id}: ${reason}`)}`);
  if (refusedCount > REFUSALS_SHOWN) warn(`not replayed: ${group(refusedCount - REFUSALS_SHOWN)} more`);
  for (const id of missing) complainOf(id, deadQueue, io);
  if (doubtful > 0)
    warn(`${group(doubtful)} may be in both places now, with the same id: effects of the runtime apply once`);
  if (ending === 'aborted') warn(`interrupted: the rest is still in '${deadQueue}'`);
}

function progressOn(
  io: CommandIo,
  { action, json }: Handling,
): {
  readonly update: (progress: DeadLetterProgress) => void;
  readonly finish: () => void;
} {
  let line: ProgressLine | undefined;
  let done = 0;
  const update = ({ seen, total, matched, handled }: DeadLetterProgress): void => {
    if (json) return;
    const quietMs = SHOW_PROGRESS_AFTER_MS;
    line ??= new ProgressLine(io.stderr, paintFor(io.stderr, io.env), { label: action, total, quietMs });
    done = seen - matched + handled;
    line.update(done);
  };
  return { update, finish: () => line?.finish(done) };
}
