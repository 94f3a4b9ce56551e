import { idsOf } from '../dead-letters/letter-filter.ts';
import { type Command, type CommandIo, isOn } from './command.ts';
import { BROKER_FLAG, DEAD_FLAGS, type DeadCall, type DeadSession, deadCall, withDeadLetters } from './dead-call.ts';
import { complainOf, nothingMatches } from './dead-words.ts';
import { DONE, FAILED } from './exit-code.ts';
import { jsonLine, letterDetails } from './letter-json.ts';
import { letterPage } from './letter-page.ts';
import { paintFor } from './paint.ts';

/** `millrace dead show`: a page a letter. */
export const deadShowCommand: Command = {
  name: 'dead show',
  operands: 'QUEUE [ID …]',
  summary: 'show dead letters in full: attempts, error with stack, body, what can be done',
  description:
    'Shows all that is known of the letters with these ids, or without ids of the oldest one that the flags leave. ' +
    'Everything stays where it is.',
  flags: [...DEAD_FLAGS, { name: 'json', summary: 'print one JSON object a line' }, BROKER_FLAG],
  examples: [
    'millrace dead show calls 01930000-0000-7000-8000-000000000000',
    'millrace dead show calls --code E_TASK_TIMEOUT --limit 3',
    'millrace dead show calls --json | jq .json',
  ],
  async run(values, io, operands) {
    const call = deadCall('dead show', values, operands);
    return await withDeadLetters(call, io, (session) => showLetters(call, session, io, isOn(values, 'json')));
  },
};

/** The command with its queue open. */
export async function showLetters(
  call: DeadCall,
  { letters, signal, interrupted }: DeadSession,
  io: CommandIo,
  json: boolean,
): Promise<number> {
  const missing = new Set(idsOf(call.filter));
  const limit = call.limit ?? Math.max(1, missing.size);
  const paint = paintFor(io.stdout, io.env);
  const total = await letters.count();
  let shown = 0;
  for await (const letter of letters.list(call.filter, { limit, signal })) {
    missing.delete(letter.id);
    if (json) io.stdout.write(jsonLine(letterDetails(letter)));
    else {
      const { queue, deadQueue } = letters;
      const settings = { queue, deadQueue, now: Date.now(), paint, broker: call.broker };
      io.stdout.write(`${shown === 0 ? '' : '\n'}${letterPage(letter, settings)}`);
    }
    shown++;
  }
  if (signal.aborted) return interrupted();
  if (shown < limit) for (const id of missing) complainOf(id, letters.deadQueue, io);
  if (shown === 0 && missing.size === 0 && !json) io.stdout.write(`${nothingMatches(total, letters.deadQueue)}\n`);
  return missing.size > 0 && shown < limit ? FAILED : DONE;
}
