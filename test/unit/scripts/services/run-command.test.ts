import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { lastLines, runCommand } from '../../../../scripts/services/run-command.ts';

const node = process.execPath;

describe('a command run to its end', () => {
  test('gives its exit code and both outputs', async () => {
    const script = 'console.log("out"); console.error("err"); process.exitCode = 3';
    const result = await runCommand(node, ['-e', script], { timeoutMs: 30_000 });
    assert.deepEqual(result, { code: 3, stdout: 'out\n', stderr: 'err\n' });
  });

  test('that does not exist is a result, not an exception', async () => {
    const result = await runCommand('no-such-command-of-ours', [], { timeoutMs: 30_000 });
    assert.equal(result.code, null);
    assert.match(result.stderr, /ENOENT/);
  });

  test('that takes too long is killed', async () => {
    const result = await runCommand(node, ['-e', 'setInterval(() => undefined, 1000)'], { timeoutMs: 300 });
    assert.equal(result.code, null);
  });

  test('tells its lines while it runs, whatever ends them', async () => {
    const lines: string[] = [];
    const script = 'process.stdout.write("one\\rtwo\\n\\nthree\\nrest")';
    await runCommand(node, ['-e', script], { timeoutMs: 30_000, onLine: (line) => lines.push(line) });
    assert.deepEqual(lines, ['one', 'two', 'three']);
  });

  test('is quoted by the last lines of its complaint, or of its output', () => {
    assert.equal(lastLines({ code: 1, stdout: 'x', stderr: 'a\nb\nc\nd\n' }, 2), 'c | d');
    assert.equal(lastLines({ code: 1, stdout: 'only this\n', stderr: ' \n' }), 'only this');
  });
});
