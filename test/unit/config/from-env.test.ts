import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkOptions } from '../../../src/config/check-options.ts';
import { ENVIRONMENT, optionsFromEnv } from '../../../src/config/from-env.ts';

const EXAMPLE: Record<keyof typeof ENVIRONMENT, string> = {
  MILLRACE_TASKS: './tasks.js',
  AMQP_URL: 'amqp://a, amqp://b',
  MONGO_URL: 'mongodb://h/d',
  MILLRACE_QUEUES: 'calls,images',
  MILLRACE_QUEUE_TYPE: 'classic',
  MILLRACE_DECLARE: 'false',
  MILLRACE_THREADS: '4',
  MILLRACE_PREFETCH: '500',
  MILLRACE_BATCH_TARGET: '100',
  MILLRACE_BATCH_MAX_BYTES: '512KiB',
  MILLRACE_BATCH_MAX_AGE: '7',
  MILLRACE_CREDIT_BYTES: '2097152',
  MILLRACE_TASK_TIMEOUT: '3m',
  MILLRACE_SHUTDOWN_GRACE: '10s',
  MILLRACE_LOG_LEVEL: 'warn',
};

test('every variable sets its option, with the value in the right type', () => {
  const options = optionsFromEnv(EXAMPLE);
  assert.deepEqual(options, {
    tasks: './tasks.js',
    broker: ['amqp://a', 'amqp://b'],
    store: 'mongodb://h/d',
    queues: ['calls', 'images'],
    queueType: 'classic',
    declare: false,
    threads: 4,
    prefetch: 500,
    batching: { target: 100, maxBytes: '512KiB', maxAge: 7 },
    credit: { bytes: 2_097_152 },
    timeouts: { task: '3m' },
    shutdown: { grace: '10s' },
    log: { level: 'warn' },
  });
  checkOptions(options);
});

test('each variable alone sets the option that the table names', () => {
  for (const [variable, path] of Object.entries(ENVIRONMENT)) {
    let value: unknown = optionsFromEnv({ [variable]: EXAMPLE[variable as keyof typeof ENVIRONMENT] });
    for (const key of path.split('.')) {
      assert.deepEqual(Object.keys(value as object), [key], variable);
      value = (value as Record<string, unknown>)[key];
    }
    assert.notEqual(value, undefined);
  }
});

test('empty and foreign variables set nothing', () => {
  assert.deepEqual(
    optionsFromEnv({ AMQP_URL: '', MONGO_URL: '  ', MILLRACE_PORT: 'tcp://10.0.0.1:80', PATH: '/bin' }),
    {},
  );
});

test('a value that cannot be read names its variable', () => {
  assert.throws(() => optionsFromEnv({ MILLRACE_THREADS: 'four' }), {
    code: 'E_OPTION_TYPE',
    message: "the environment variable MILLRACE_THREADS is 'four'; expected a whole number",
  });
  assert.throws(() => optionsFromEnv({ MILLRACE_DECLARE: 'maybe' }), {
    code: 'E_OPTION_TYPE',
    message: /MILLRACE_DECLARE/,
  });
  assert.throws(() => optionsFromEnv({ MILLRACE_BATCH_TARGET: '1.5' }), { code: 'E_OPTION_TYPE' });
});
