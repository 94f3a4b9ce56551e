import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createPinoLogger } from '../../../src/telemetry/pino-logger.ts';

function recording(level: 'debug' | 'info' | 'warn' | 'error' | 'silent'): {
  lines: string[];
  logger: ReturnType<typeof createPinoLogger>;
} {
  const lines: string[] = [];
  return { lines, logger: createPinoLogger(level, { write: (line) => void lines.push(line) }) };
}

test('a line is JSON with the level as a word, an ISO time, the fields and the message', () => {
  const { lines, logger } = recording('info');
  logger.warn({ queue: 'calls' }, 'something');
  const line = JSON.parse(lines[0] ?? '') as Record<string, unknown>;
  assert.deepEqual(
    [line['level'], line['queue'], line['msg'], line['name']],
    ['warn', 'calls', 'something', 'millrace'],
  );
  assert.match(String(line['time']), /^\d{4}-\d\d-\d\dT/);
});

test('lines below the level are not written, and silent writes none', () => {
  const { lines, logger } = recording('warn');
  logger.info({}, 'no');
  logger.error({}, 'yes');
  assert.equal(lines.length, 1);
  const silent = recording('silent');
  silent.logger.error({}, 'no');
  assert.equal(silent.lines.length, 0);
});

test('passwords in URLs are taken out, in messages, fields and errors', () => {
  const { lines, logger } = recording('info');
  const url = 'amqp://joe:s3cret@rabbit/app';
  logger.error({ url, deep: { urls: [url] }, error: new Error(`cannot reach ${url}`) }, `lost ${url}`);
  assert.ok(!lines.join('').includes('s3cret'), lines.join(''));
  assert.ok(JSON.parse(lines[0] ?? ''), 'the line is still JSON');
});

test('an error keeps its message and stack', () => {
  const { lines, logger } = recording('info');
  logger.error({ error: new TypeError('boom') }, 'failed');
  const { error } = JSON.parse(lines[0] ?? '') as { error: { type: string; message: string; stack: string } };
  assert.deepEqual([error.type, error.message], ['TypeError', 'boom']);
  assert.match(error.stack, /pino-logger\.test/);
});
