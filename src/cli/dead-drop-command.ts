import type { DeadLetterSummary } from '../dead-letters/letter-tally.ts';
import { type Command, type CommandIo, isOn } from './command.ts';
import { BROKER_FLAG, DEAD_FLAGS, type DeadCall, type DeadSession, deadCall, withDeadLetters } from './dead-call.ts';
import { handleLetters } from './dead-handling.ts';
import { nothingMatches } from './dead-words.ts';
import { WRONG_USAGE } from './exit-code.ts';
import { group } from './progress-line.ts';

/** `millrace dead drop`: removes letters for good. */
export const deadDropCommand: Command = {
  name: 'dead drop',
  operands: 'QUEUE [ID …]',
  summary: 'remove dead letters for good',
  description:
    'Removes the letters with these ids, or all that the flags leave. They are gone then, and so is what they were to do. ' +
    'Without --yes it only says what would be removed, and ends with 2.',
  flags: [
    ...DEAD_FLAGS,
    { name: 'yes', summary: 'do it' },
    { name: 'dry-run', summary: 'only say what would be removed' },
    { name: 'json', summary: 'print one JSON object with the result' },
    BROKER_FLAG,
  ],
  examples: [
    'millrace dead drop calls --older-than 720h --dry-run',
    'millrace dead drop calls --task old-task --yes',
    'millrace dead drop calls 01930000-0000-7000-8000-000000000000 --yes',
  ],
  async run(values, io, operands) {
    const call = deadCall('dead drop', values, operands);
    const settings = { yes: isOn(values, 'yes'), dryRun: isOn(values, 'dry-run'), json: isOn(values, 'json') };
    return await withDeadLetters(call, io, (session) => dropLetters(call, session, io, settings));
  },
};

export interface DropFlags {
  readonly yes: boolean;
  readonly dryRun: boolean;
  readonly json: boolean;
}

/** The command with its queue open. */
export async function dropLetters(
  call: DeadCall,
  session: DeadSession,
  io: CommandIo,
  { yes, dryRun, json }: DropFlags,
): Promise<number> {
  const { letters, signal } = session;
  const options = { signal, dryRun: dryRun || !yes, ...(call.limit === undefined ? {} : { limit: call.limit }) };
  const exitCode = await handleLetters(session, io, {
    action: 'drop',
    json,
    sentence,
    work: (onProgress) => letters.drop(call.filter, { ...options, onProgress }),
  });
  if (yes || dryRun) return exitCode;
  io.stderr.write('millrace: nothing was dropped: add --yes to do it\n');
  return WRONG_USAGE;
}

function sentence({ dryRun, handled, matched, seen, deadQueue }: DeadLetterSummary): string {
  if (matched === 0) return nothingMatches(seen, deadQueue);
  return `${dryRun ? 'would drop' : 'dropped'} ${group(handled)} of ${group(seen)} dead letters of '${deadQueue}'`;
}
