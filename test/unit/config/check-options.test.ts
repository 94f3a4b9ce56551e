import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkOptions } from '../../../src/config/check-options.ts';
import type { ErrorCode } from '../../../src/errors/codes.ts';
import { isRuntimeError } from '../../../src/errors/runtime-error.ts';

const tasks = './tasks.js';
const instance = { start: async () => {}, stop: async () => {} };

function refusal(options: unknown): { code: string; message: string } {
  try {
    checkOptions(options);
  } catch (error) {
    assert.ok(isRuntimeError(error), String(error));
    return { code: error.code, message: error.message };
  }
  return assert.fail(`accepted ${JSON.stringify(options)}`);
}

test('the smallest options are enough', () => checkOptions({ tasks }));

test('everything that is documented is accepted', () => {
  checkOptions({
    tasks: new URL('file:///tasks.js'),
    broker: {
      urls: ['amqps://a', 'amqps://b'],
      tls: { ca: 'PEM', passphrase: 'x', verify: false },
      heartbeat: '5s',
      connectTimeout: 900,
      connectionName: 'w',
    },
    store: { url: 'mongodb://h/d', timeout: '3s', connectionsPerThread: 1 },
    queues: ['a', { name: 'b', task: 't', prefetch: 10 }],
    queueType: 'classic',
    declare: false,
    threads: 2,
    prefetch: 100,
    batching: { target: 250, maxBytes: '512KiB', maxAge: 0 },
    credit: { bytes: 1024 ** 2 },
    shutdown: { grace: '10s' },
    log: { level: 'silent' },
    signals: true,
  });
  checkOptions({ tasks, broker: instance, store: instance, log: console });
  checkOptions({ tasks, broker: ['amqp://a', 'amqp://b'], store: 'mongodb://h/d' });
});

test('undefined counts as not given', () => checkOptions({ tasks, threads: undefined, batching: undefined }));

const refusals: readonly [name: string, options: unknown, code: ErrorCode, says: RegExp][] = [
  ['no object', 'amqp://x', 'E_OPTION_TYPE', /the options are 'amqp:\/\/x'; expected an object/],
  ['no tasks', {}, 'E_OPTION_MISSING', /`tasks` is required/],
  ['tasks of another type', { tasks: 7 }, 'E_OPTION_TYPE', /`tasks` is 7; expected the URL or the path/],
  ['a misspelt option', { tasks, thread: 4 }, 'E_OPTION_UNKNOWN', /no option `thread`; did you mean `threads`\?/],
  ['an option like none', { tasks, zzzzzz: 1 }, 'E_OPTION_UNKNOWN', /no option `zzzzzz`; known are tasks, broker/],
  [
    'a misspelt option of a group',
    { tasks, shutdown: { grase: 1 } },
    'E_OPTION_UNKNOWN',
    /in `shutdown`; did you mean `grace`\?/,
  ],
  ['a group that is a number', { tasks, batching: 5 }, 'E_OPTION_TYPE', /`batching` is 5; expected an object/],
  [
    'threads as text',
    { tasks, threads: '4' },
    'E_OPTION_TYPE',
    /`threads` is '4'; expected a whole number from 1 to 256/,
  ],
  ['no threads', { tasks, threads: 0 }, 'E_OPTION_RANGE', /`threads` is 0/],
  ['half a thread', { tasks, threads: 1.5 }, 'E_OPTION_RANGE', /whole number/],
  ['prefetch 0, which would mean no limit', { tasks, prefetch: 0 }, 'E_OPTION_RANGE', /from 1 to 65535/],
  [
    'a duration without a unit',
    { tasks, shutdown: { grace: '30' } },
    'E_OPTION_TYPE',
    /'30'; expected a duration from 0ms to 1h/,
  ],
  ['a duration out of range', { tasks, batching: { maxAge: '1m' } }, 'E_OPTION_RANGE', /from 0ms to 10s/],
  ['a size out of range', { tasks, credit: { bytes: '1KiB' } }, 'E_OPTION_RANGE', /from 1MiB to 64GiB/],
  ['a size with a wrong unit', { tasks, batching: { maxBytes: '1MB' } }, 'E_OPTION_TYPE', /expected a size/],
  ['a target that is a word', { tasks, batching: { target: 'big' } }, 'E_OPTION_TYPE', /'auto' or a whole number/],
  ['a target out of range', { tasks, batching: { target: 0 } }, 'E_OPTION_RANGE', /from 1 to 10000/],
  [
    'a misspelt queue type',
    { tasks, queueType: 'quorom' },
    'E_OPTION_RANGE',
    /one of 'quorum', 'classic'; did you mean `quorum`\?/,
  ],
  ['a queue type of another type', { tasks, queueType: 1 }, 'E_OPTION_TYPE', /one of/],
  ['declare as text', { tasks, declare: 'yes' }, 'E_OPTION_TYPE', /expected true or false/],
  ['no queues', { tasks, queues: [] }, 'E_OPTION_RANGE', /list of 1 to 100/],
  ['queues as text', { tasks, queues: 'calls' }, 'E_OPTION_TYPE', /list of 1 to 100/],
  ['a queue twice', { tasks, queues: ['a', { name: 'a' }] }, 'E_OPTION_RANGE', /'a' is there twice/],
  ['an empty queue name', { tasks, queues: [''] }, 'E_OPTION_RANGE', /`queues\[0\]` is ''/],
  ['a queue name that the broker reserves', { tasks, queues: ['amq.x'] }, 'E_OPTION_RANGE', /amq\./],
  ['a queue name of 256 bytes', { tasks, queues: ['ä'.repeat(128)] }, 'E_OPTION_RANGE', /255 bytes/],
  ['a queue without a name', { tasks, queues: [{ task: 't' }] }, 'E_OPTION_MISSING', /`queues\[0\]\.name` is required/],
  ['a broker that is a number', { tasks, broker: 5672 }, 'E_OPTION_TYPE', /a URL, a list of URLs, settings/],
  ['broker settings without urls', { tasks, broker: {} }, 'E_OPTION_MISSING', /`broker\.urls` is required/],
  ['an empty list of brokers', { tasks, broker: [] }, 'E_OPTION_RANGE', /list of 1 to 100/],
  ['a store that is a number', { tasks, store: 1 }, 'E_OPTION_TYPE', /settings with `url`/],
  ['store settings without a url', { tasks, store: { timeout: 1000 } }, 'E_OPTION_MISSING', /`store\.url` is required/],
  ['a level that does not exist', { tasks, log: { level: 'warning' } }, 'E_OPTION_RANGE', /did you mean `warn`\?/],
  ['signals as a number', { tasks, signals: 1 }, 'E_OPTION_TYPE', /`signals` is 1/],
];

for (const [name, options, code, says] of refusals) {
  test(`refused with ${code}: ${name}`, () => {
    const error = refusal(options);
    assert.equal(error.code, code);
    assert.match(error.message, says);
    assert.ok(!error.message.includes('\n'), 'one line');
  });
}

test('a refused value never shows a secret', () => {
  const url = refusal({ tasks, broker: [{ url: 'amqp://joe:s3cret@host' }] });
  const tls = refusal({ tasks, broker: { urls: 'amqps://h', tls: { passphrase: ['s3cret'] } } });
  for (const { message } of [url, tls]) assert.ok(!message.includes('s3cret'), message);
});
