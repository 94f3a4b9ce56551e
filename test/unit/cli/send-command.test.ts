import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { test } from 'node:test';
import { runCommandLine } from '../../../src/cli/run-command-line.ts';

/** A message to nobody: what is wrong must be said before a broker is looked for. */
async function send(...flags: readonly string[]): Promise<{ readonly code: number; readonly err: string }> {
  let err = '';
  const output = { isTTY: false, write: () => {} };
  const code = await runCommandLine(
    ['send', '-t', 't', '-q', 'q', '-p', '1', '--broker', 'amqp://127.0.0.1:1', ...flags],
    { stdin: Readable.from([]), stdout: output, stderr: { ...output, write: (text) => void (err += text) }, env: {} },
  );
  return { code, err };
}

test('a delay, a date or a deadline that cannot be read is wrong usage, and says what is expected', async () => {
  const cases: readonly (readonly [flags: readonly string[], says: RegExp])[] = [
    [['--delay', 'soon'], /delay must be a duration.*'30s'; got "soon"/],
    [['--delay', '20000h'], /at most 19 days/],
    [['--at', 'tomorrow'], /--at "tomorrow" is no date; expected ISO 8601/],
    [['--at', '2026-01-01T00:00:00Z', '--delay', '1s'], /got both delay and at/],
    [['--start-within', '0s'], /startWithin must be a duration from 1ms/],
  ];
  for (const [flags, says] of cases) {
    const { code, err } = await send(...flags);
    assert.equal(code, 2, err);
    assert.match(err, says);
  }
});
