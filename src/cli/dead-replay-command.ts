import type { DeadLetterSummary } from '../dead-letters/letter-tally.ts';
import { type Command, type CommandIo, isOn, textOf } from './command.ts';
import { BROKER_FLAG, DEAD_FLAGS, type DeadCall, type DeadSession, deadCall, withDeadLetters } from './dead-call.ts';
import { handleLetters } from './dead-handling.ts';
import { nothingMatches } from './dead-words.ts';
import { group } from './progress-line.ts';

/** `millrace dead replay`: sends letters again. */
export const deadReplayCommand: Command = {
  name: 'dead replay',
  operands: 'QUEUE [ID …]',
  summary: 'send dead letters again: each is confirmed before it leaves the dead letters',
  description:
    'Sends the letters with these ids, or all that the flags leave, back to the queues that they came from, as they were ' +
    'first sent: no attempt counted. Each leaves QUEUE.dead only when the broker has confirmed it, so none is lost; after ' +
    'a crash some may be in both places, with the same id. SIGINT ends it cleanly.',
  flags: [
    ...DEAD_FLAGS,
    { name: 'to', value: 'QUEUE', summary: 'send them to this queue instead; it must exist' },
    { name: 'dry-run', summary: 'only say what would be sent' },
    { name: 'json', summary: 'print one JSON object with the result' },
    BROKER_FLAG,
  ],
  examples: [
    'millrace dead replay calls --dry-run',
    'millrace dead replay calls --task record-call --code E_STORE_CONFLICT',
    'millrace dead replay calls 01930000-0000-7000-8000-000000000000 --to calls-slow',
  ],
  async run(values, io, operands) {
    const call = deadCall('dead replay', values, operands);
    const settings = { to: textOf(values, 'to'), dryRun: isOn(values, 'dry-run'), json: isOn(values, 'json') };
    return await withDeadLetters(call, io, (session) => replayLetters(call, session, io, settings));
  },
};

export interface ReplayFlags {
  readonly to: string | undefined;
  readonly dryRun: boolean;
  readonly json: boolean;
}

/** The command with its queue open. */
export async function replayLetters(
  call: DeadCall,
  session: DeadSession,
  io: CommandIo,
  { to, dryRun, json }: ReplayFlags,
): Promise<number> {
  const { letters, signal } = session;
  const options = {
    signal,
    dryRun,
    ...(to === undefined ? {} : { to }),
    ...(call.limit === undefined ? {} : { limit: call.limit }),
  };
  return await handleLetters(session, io, {
    action: 'replay',
    json,
    sentence,
    work: (onProgress) => letters.replay(call.filter, { ...options, onProgress }),
  });
}

function sentence({ dryRun, handled, matched, seen, deadQueue, queues }: DeadLetterSummary): string {
  if (matched === 0) return nothingMatches(seen, deadQueue);
  const targets = Object.entries(queues).map(([queue, count]) => `${group(count)} to '${queue}'`);
  const where = targets.length === 0 ? '' : `: ${targets.join(', ')}`;
  const did = dryRun ? 'would replay' : 'replayed';
  const closing = dryRun ? '; nothing was sent' : handled === 0 ? '' : ', each confirmed before it was removed';
  return `${did} ${group(handled)} of ${group(seen)} dead letters of '${deadQueue}'${where}${closing}`;
}
