import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { decodeProperties, encodeProperties, type MessageProperties } from '../../../src/batch/message-properties.ts';
import { readDeadLetter } from '../../../src/dead-letters/dead-letter.ts';

const NOTHING = new Uint8Array(0);
const HISTORY = [
  { attempt: 1, at: '2026-01-01T00:00:00.000Z', outcome: 'failed', code: 'E_A', message: 'a', worker: 'h:1' },
  { attempt: 2, at: '2026-01-01T00:00:02.000Z', outcome: 'crashed', code: 'E_B', message: 'b', worker: 'h:2' },
];

const WRITTEN: MessageProperties = {
  messageId: 'id-1',
  type: 'resize',
  contentType: 'application/json',
  timestamp: 1_700_000_000,
  deliveryMode: 2,
  headers: {
    tenant: 'blue',
    'x-error-code': 'E_B',
    'x-error-message': 'b',
    'x-error-stack': 'Error: b\n    at x',
    'x-outcome': 'crashed',
    'x-attempt': 2,
    'x-queue': 'images',
    'x-worker': 'h:2',
    'x-dead-at': '2026-01-01T00:00:03.000Z',
    'x-history': HISTORY,
    'x-replayed': 1,
    'x-delivery-count': 4,
    'x-death': [{ reason: 'expired', queue: 'millrace.delay.03', time: new Date(0), count: 1 }],
    'x-first-death-reason': 'expired',
  },
};

/** As a broker brings it. */
function overTheWire(properties: MessageProperties): MessageProperties {
  const bytes = encodeProperties(properties);
  return decodeProperties(bytes, 0, bytes.length);
}

test('a letter of millrace says all that its headers say, whatever the broker added on its way', () => {
  const { body, original, ...rest } = readDeadLetter(overTheWire(WRITTEN), Buffer.from('{}'), 'home');
  assert.equal(Buffer.from(body).toString(), '{}');
  assert.deepEqual(rest, {
    id: 'id-1',
    task: 'resize',
    queue: 'images',
    code: 'E_B',
    message: 'b',
    outcome: 'crashed',
    attempts: 2,
    deadAt: new Date('2026-01-01T00:00:03.000Z'),
    stack: 'Error: b\n    at x',
    worker: 'h:2',
    history: HISTORY,
    replays: 1,
  });
  assert.deepEqual(original, {
    messageId: 'id-1',
    type: 'resize',
    contentType: 'application/json',
    timestamp: 1_700_000_000,
    deliveryMode: 2,
    headers: { tenant: 'blue' },
  });
});

test('a letter of the broker has its latest reason, not one of the delay queues it came through', () => {
  const headers = {
    'x-attempt': 3,
    'x-death': [
      { reason: 'delivery_limit', queue: 'images', time: new Date(1_000_000), count: 1 },
      { reason: 'expired', queue: 'millrace.delay.03', time: new Date(0), count: 2 },
    ],
    'x-first-death-reason': 'expired',
    'x-first-death-queue': 'millrace.delay.03',
  };
  const letter = readDeadLetter(overTheWire({ messageId: 'a', headers }), NOTHING, 'images');
  assert.deepEqual(
    [letter.code, letter.outcome, letter.queue, letter.attempts, letter.deadAt],
    ['broker: delivery_limit', 'delivery_limit', 'images', 2, new Date(1_000_000)],
  );
  assert.match(letter.message, /^the broker dead-lettered it in queue 'images': it came back more often/);
  assert.equal(letter.original?.headers, undefined);
});

test('without the list of deaths the last one counts, then the first; a time may be in seconds', () => {
  const read = (headers: Record<string, unknown>): readonly unknown[] => {
    const { code, queue, deadAt } = readDeadLetter({ headers }, NOTHING, 'home');
    return [code, queue, deadAt];
  };
  const first = { 'x-first-death-reason': 'expired', 'x-first-death-queue': 'a' };
  const last = { 'x-last-death-reason': 'rejected', 'x-last-death-queue': 'b' };
  assert.deepEqual(read(first), ['broker: expired', 'a', undefined]);
  assert.deepEqual(read({ ...first, ...last }), ['broker: rejected', 'b', undefined]);
  const death = { reason: 'maxlen', queue: 'c', time: 1_000 };
  assert.deepEqual(read({ ...first, 'x-death': [death] }), ['broker: maxlen', 'c', new Date(1_000_000)]);
});

test('what died as a suspect belongs to the queue that it was suspected in', () => {
  const headers = { 'x-error-code': 'E_TASK_CRASHED', 'x-queue': 'images.suspects' };
  assert.equal(readDeadLetter({ headers }, NOTHING, 'images').queue, 'images');
  assert.equal(readDeadLetter({ headers }, NOTHING, 'other').queue, 'images.suspects');
});

test('a message that nobody explains is shown as such, with the queue whose dead letters these are', () => {
  const letter = readDeadLetter({ messageId: 'a' }, NOTHING, 'home');
  assert.deepEqual([letter.code, letter.outcome, letter.queue, letter.attempts], ['unknown', 'unknown', 'home', 0]);
  const unreadable = readDeadLetter(undefined, NOTHING, 'home');
  assert.match(unreadable.message, /properties of the message cannot be read/);
  assert.equal(unreadable.original, undefined);
});

test('properties that were kept as bytes are the original ones where they can be read', () => {
  const kept = encodeProperties({ messageId: 'inner', type: 'resize', headers: { tenant: 'blue', 'x-attempt': 3 } });
  const packed = (base64: unknown): MessageProperties => ({
    headers: { 'x-error-code': 'E_A', 'x-original-properties': base64 },
  });
  const letter = readDeadLetter(packed(kept.toString('base64')), NOTHING, 'home');
  assert.deepEqual([letter.id, letter.task], ['inner', 'resize']);
  assert.deepEqual(letter.original, { messageId: 'inner', type: 'resize', headers: { tenant: 'blue' } });
  const nameless = encodeProperties({ type: 'resize' }).toString('base64');
  const named = readDeadLetter({ ...packed(nameless), messageId: 'given' }, NOTHING, 'home');
  assert.deepEqual([named.id, named.original], ['given', { messageId: 'given', type: 'resize' }]);
  for (const broken of [kept.subarray(0, 9).toString('base64'), 'no base64 at all', '', 7]) {
    const unreadable = readDeadLetter(packed(broken), NOTHING, 'home');
    assert.deepEqual([unreadable.original, unreadable.code], [undefined, 'E_A'], String(broken));
  }
});

test('a letter without an id has one made from its contents, the same at each look', () => {
  const letter = (n: number, looks: number): MessageProperties => ({
    type: `t${n}`,
    headers: { 'x-delivery-count': looks, 'x-death': [{ reason: 'expired', queue: 'q', time: new Date(5_000) }] },
  });
  const id = (properties: MessageProperties, body: string): string =>
    readDeadLetter(properties, Buffer.from(body), 'q').id;
  assert.match(id(letter(1, 0), 'a'), /^no-id-[0-9a-f]{12}$/);
  assert.equal(id(letter(1, 0), 'a'), id(letter(1, 9), 'a'));
  assert.notEqual(id(letter(1, 0), 'a'), id(letter(1, 0), 'b'));
  assert.notEqual(id(letter(1, 0), 'a'), id(letter(2, 0), 'a'));
});

test('nothing in a message makes reading it fail, and whatever is read has its type', () => {
  const names = ['error-code', 'error-message', 'error-stack', 'outcome', 'queue', 'worker', 'dead-at', 'attempt'];
  const more = ['history', 'death', 'original-properties', 'replayed', 'first-death-reason', 'delivery-count'];
  const value = fc.oneof(
    fc.anything({ withDate: true, withTypedArray: true, withBigInt: true, maxDepth: 3 }),
    fc.uint8Array({ maxLength: 30 }).map((bytes) => Buffer.from(bytes).toString('base64')),
  );
  const headers = fc.record(Object.fromEntries([...names, ...more].map((name) => [`x-${name}`, value] as const)), {
    requiredKeys: [],
  });
  fc.assert(
    fc.property(headers, fc.uint8Array({ maxLength: 50 }), (some, body) => {
      const letter = readDeadLetter({ headers: some }, body, 'home');
      for (const key of ['id', 'queue', 'code', 'message', 'outcome'] as const)
        assert.equal(typeof letter[key], 'string', key);
      assert.ok(Number.isSafeInteger(letter.attempts) && letter.attempts >= 0);
      assert.ok(letter.deadAt === undefined || letter.deadAt instanceof Date);
      for (const entry of letter.history) assert.equal(typeof entry.code, 'string');
    }),
  );
});
