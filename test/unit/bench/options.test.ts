import assert from 'node:assert/strict';
import { test } from 'node:test';
import { helpText } from '../../../bench/harness/help.ts';
import { type BenchOptions, parseOptions, UsageError } from '../../../bench/harness/options.ts';

function parsed(text: string): BenchOptions {
  const options = parseOptions(text.split(' ').filter((word) => word !== ''));
  assert.ok(options !== 'help' && !('suite' in options));
  return options;
}

test('the defaults are a prefetch of 2000 and batches of a quarter of it on a quorum queue', () => {
  const { settings, queueType, messages, rounds, contenders, writes } = parsed('noop');
  assert.deepEqual(settings, { prefetch: 2000, batch: 500, threads: 1 });
  assert.deepEqual(
    { queueType, messages, rounds, writes },
    { queueType: 'quorum', messages: 200_000, rounds: 7, writes: false },
  );
  assert.deepEqual(contenders, ['millrace', 'millrace-auto']);
});

test('every option is taken', () => {
  const options = parsed(
    'mongo --messages 5 --rounds 2 --queue-type classic --prefetch 10 --batch 3 --threads 2 --against prototype,bare-reader --json f --seed 9 --force',
  );
  assert.deepEqual(options.settings, { prefetch: 10, batch: 3, threads: 2 });
  assert.deepEqual(options.contenders, ['millrace', 'millrace-auto', 'prototype', 'bare-reader']);
  const { messages, rounds, queueType, json, seed, force, writes } = options;
  assert.deepEqual([messages, rounds, queueType, json, seed, force, writes], [5, 2, 'classic', 'f', 9, true, true]);
});

test('live sets both tasks next to the bare reader', () => {
  const { contenders, writes } = parsed('live');
  assert.deepEqual(contenders, ['millrace-noop', 'millrace-mongo', 'bare-reader', 'bare-reader-mongo']);
  assert.equal(writes, true);
});

test('cpu has as many messages as keep its threads busy for five seconds', () => {
  const { contenders, messages, parameters } = parsed('cpu --threads 2');
  assert.deepEqual(contenders, ['millrace-cpu', 'bare-threads']);
  assert.deepEqual([messages, parameters, parsed('noop').parameters], [1000, { taskMs: 10 }, {}]);
  assert.equal(parsed('cpu --task-ms 0.1').messages, 50_000);
});

test('a round of latency is ten seconds of arrival at the given rate', () => {
  const { contenders, messages, parameters } = parsed('latency --arrival-rate 5000');
  assert.deepEqual(contenders, ['millrace-noop', 'bare-each-ack']);
  assert.deepEqual([messages, parameters], [50_000, { arrivalRate: 5000 }]);
  assert.deepEqual(parsed('latency').messages, 10_000);
  assert.deepEqual(parsed('latency-share --arrival-share 50').parameters, { arrivalShare: 50 });
});

test('a burst comes on top of its steady arrival', () => {
  assert.equal(parsed('burst --burst-messages 500 --arrival-rate 200').messages, 2500);
});

test('payload takes fewer messages the longer they are', () => {
  const messages = [100, 1024, 10_240, 102_400, 1_048_576].map(
    (bytes) => parsed(`payload --body-bytes ${bytes}`).messages,
  );
  assert.deepEqual(messages, [200_000, 200_000, 26_214, 2621, 256]);
});

test('publish sets sendMany next to the publishers of client libraries and to the bound of the broker', () => {
  const { contenders, parameters, writes } = parsed('publish --window 100 --against c-publisher');
  assert.deepEqual(contenders, [
    'millrace-send',
    'rabbitmq-client-publisher',
    'amqplib-publisher',
    'bare-publisher',
    'c-publisher',
  ]);
  assert.deepEqual([parameters, writes], [{ window: 100 }, false]);
});

test('embedded sets the runtime in one process next to pools that are written by hand', () => {
  const { contenders, messages, rounds, settings } = parsed('embedded --threads 2');
  assert.deepEqual(contenders, ['millrace-embedded', 'millrace-embedded-stored', 'piscina-each', 'piscina-batches']);
  assert.deepEqual([messages, rounds, settings.threads], [400_000, 7, 2]);
});

test('--only leaves the standard contenders out', () => {
  assert.deepEqual(parsed('noop --only prototype').contenders, ['prototype']);
  assert.deepEqual(parsed('live --only bare-reader').writes, false);
});

test('what cannot be meant is a usage error that says what can', () => {
  const cases: [string, RegExp][] = [
    ['', /one scenario is needed \(noop, mongo, workload, cpu, .*\), all or knobs, got none/],
    ['fast', /got "fast"/],
    ['noop mongo', /got "noop mongo"/],
    ['noop --messages 0', /--messages must be a whole number from 1, got "0"/],
    ['noop --rounds many', /--rounds/],
    ['noop --queue-type stream', /quorum or classic/],
    ['noop --against paota', /no contender "paota" in noop; there are millrace/],
    ['live --against millrace', /no contender "millrace" in live/],
    ['noop --mesages 5', /mesages/],
    ['cpu --task-ms none', /--task-ms must be a number from 0.01 to 60000, got "none"/],
    ['noop --task-ms 5', /noop has no --task-ms/],
    ['latency --arrival-rate 0.5', /--arrival-rate must be a whole number from 1 to 100000, got "0.5"/],
    ['latency --arrival-share 80', /latency has no --arrival-share/],
    ['latency-share --arrival-share 101', /--arrival-share must be a number from 1 to 100, got "101"/],
    ['publish --window 0.5', /--window must be a whole number from 1 to 65535, got "0.5"/],
    ['publish --only millrace', /no contender "millrace" in publish/],
  ];
  for (const [text, expected] of cases) {
    assert.throws(
      () => parsed(text),
      (error) => error instanceof UsageError && expected.test(error.message),
      text,
    );
  }
});

test('--help tells every option and every contender', () => {
  assert.equal(parseOptions(['--help']), 'help');
  const text = helpText();
  for (const word of [
    '--messages',
    '--queue-type',
    '--against',
    '--json',
    'prototype',
    'bare-reader-mongo',
    'millrace-auto',
  ]) {
    assert.ok(text.includes(word), word);
  }
});

test('all and --quick are the whole suite, and take only --force', () => {
  assert.deepEqual(parseOptions(['all']), { suite: true, quick: false, force: false });
  assert.deepEqual(parseOptions(['--quick', '--force']), { suite: true, quick: true, force: true });
  assert.throws(() => parseOptions(['all', '--rounds', '3']), /take only --force beside them, got "--rounds"/);
  assert.throws(() => parseOptions(['noop', '--quick']), /got "noop"/);
});
