import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ProgressLine } from '../../../src/cli/progress-line.ts';

const plain = (_: string, text: string): string => text;

test('a terminal shows one line that is drawn again', () => {
  let written = '';
  const line = new ProgressLine({ isTTY: true, write: (text) => void (written += text) }, plain, {
    label: 'filling',
    total: 200_000,
  });
  line.update(100_000);
  line.finish(200_000);
  assert.equal(written.split('\n').length, 2, 'one line');
  assert.match(written, /█{15}░{15} {2}100,000 of 200,000/);
  assert.match(written, /█{30} {2}200,000 of 200,000/);
});

test('elsewhere a line is written only every two seconds, and one at the end', () => {
  const lines: string[] = [];
  const line = new ProgressLine({ write: (text) => void lines.push(text) }, plain, { label: 'filling', total: 10 });
  for (let done = 1; done < 10; done++) line.update(done);
  line.finish(10);
  assert.equal(lines.length, 1);
  assert.match(lines[0] ?? '', /^filling {2}10 of 10 .*\/s\n$/);
  assert.ok(!lines.join('').includes('\u001b'), 'no control characters');
});

test('what is over before it is due to be shown leaves nothing behind', () => {
  let written = '';
  const quiet = { label: 'replaying', total: 10, quietMs: 60_000 };
  const line = new ProgressLine({ isTTY: true, write: (text) => void (written += text) }, plain, quiet);
  line.update(5);
  line.finish(10);
  assert.equal(written, '');
});

test('what is due is drawn, and ended', () => {
  let written = '';
  const due = { label: 'replaying', total: 10, quietMs: 0 };
  const line = new ProgressLine({ isTTY: true, write: (text) => void (written += text) }, plain, due);
  line.update(5);
  line.finish(10);
  assert.match(written, /5 of 10 .*10 of 10 .*\n$/s);
});
