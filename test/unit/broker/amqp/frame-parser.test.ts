import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { FrameParser } from '../../../../src/broker/amqp/frame-parser.ts';
import type { RawDelivery } from '../../../../src/broker/broker.ts';
import { isRuntimeError, type RuntimeError } from '../../../../src/errors/runtime-error.ts';
import {
  contentHeader,
  deliverMethod,
  deliveryFrames,
  frame,
  HEARTBEAT,
  method,
  type SentDelivery,
  shortString,
  u8,
  u16,
  u64,
} from '../../../support/amqp-frames.ts';

const FRAME_MAX = 4096;
const MAX_MESSAGE = 50_000;

/** What came out of a parser, as text that two runs can be compared by. */
interface Reading {
  readonly events: string[];
  readonly error: RuntimeError | undefined;
}

interface Rig {
  readonly parser: FrameParser;
  readonly events: string[];
  readEnds: number;
}

function makeRig(channels: readonly number[], mute: readonly number[] = []): Rig {
  const events: string[] = [];
  const rig: Rig = {
    events,
    readEnds: 0,
    parser: new FrameParser(
      {
        method: (channel, id) => void events.push(`method ${channel} ${id >>> 16}.${id & 0xffff}`),
        returned: (channel, properties) => void events.push(`returned ${channel} ${properties.toString('hex')}`),
        tooLarge: (channel, bytes) => {
          events.push(`too large ${channel} ${bytes}`);
          rig.parser.muteInbox(channel);
        },
      },
      FRAME_MAX,
      MAX_MESSAGE,
    ),
  };
  for (const channel of channels) {
    rig.parser.openInbox(channel, {
      epochOpened: () => {},
      deliver: (delivery) => void events.push(describeDelivery(channel, delivery)),
      readEnded: () => {
        rig.readEnds += 1;
      },
      epochClosed: () => {},
    });
  }
  for (const channel of mute) rig.parser.muteInbox(channel);
  return rig;
}

function describeDelivery(channel: number, delivery: RawDelivery): string {
  const { tag, redelivered, source, propertiesStart, propertiesEnd, bodyStart, bodyEnd } = delivery;
  const properties = source.toString('hex', propertiesStart, propertiesEnd);
  return `delivery ${channel} ${tag} ${redelivered} ${properties} ${source.toString('hex', bodyStart, bodyEnd)}`;
}

function expectedEvent(sent: SentDelivery): string {
  const properties = (sent.properties ?? u16(0)).toString('hex');
  return `delivery ${sent.channel} ${sent.tag} ${sent.redelivered === true} ${properties} ${sent.body.toString('hex')}`;
}

/**
 * Feeds the chunks through one buffer that is overwritten for each, as the socket does it; what lies behind the chunk is
 * garbage, and so is what an earlier chunk left.
 */
function readAll(chunks: readonly Buffer[], channels: readonly number[] = [1, 2]): Reading {
  const { parser, events } = makeRig(channels);
  const shared = Buffer.alloc(Math.max(64, ...chunks.map((chunk) => chunk.length)) + 64, 0xce);
  let error: RuntimeError | undefined;
  for (const chunk of chunks) {
    chunk.copy(shared);
    error = parser.read(shared, chunk.length);
    shared.fill(0xce);
    if (error !== undefined) break;
  }
  return { events, error };
}

function cut(bytes: Buffer, cuts: readonly number[]): readonly Buffer[] {
  const edges = [0, ...[...cuts].map((at) => at % (bytes.length + 1)).sort((a, b) => a - b), bytes.length];
  return edges.slice(1).map((edge, index) => bytes.subarray(edges[index], edge));
}

const bodyBytes = fc.oneof(
  { weight: 6, arbitrary: fc.uint8Array({ maxLength: 300 }) },
  { weight: 1, arbitrary: fc.integer({ min: 4000, max: 20_000 }).map((length) => new Uint8Array(length).fill(length)) },
);
const delivery = fc.record({
  channel: fc.constantFrom(1, 2),
  redelivered: fc.boolean(),
  consumerTag: fc.string({ maxLength: 30 }),
  exchange: fc.string({ maxLength: 20 }),
  routingKey: fc.string({ maxLength: 60 }),
  properties: fc.uint8Array({ minLength: 2, maxLength: 80 }).map((bytes) => Buffer.from(bytes)),
  body: bodyBytes.map((bytes) => Buffer.from(bytes)),
});

/** Deliveries on two channels with tags that count, and the frames between them. */
const stream = fc
  .array(fc.oneof({ weight: 8, arbitrary: delivery }, { weight: 1, arbitrary: fc.constant(undefined) }), {
    maxLength: 12,
  })
  .map((items) => {
    const tags = new Map<number, number>();
    const frames: Buffer[] = [];
    const events: string[] = [];
    for (const item of items) {
      if (item === undefined) {
        frames.push(HEARTBEAT, method(2, 20, 20, Buffer.from([1])));
        events.push('method 2 20.20');
        continue;
      }
      const tag = (tags.get(item.channel) ?? 0) + 1;
      tags.set(item.channel, tag);
      frames.push(...deliveryFrames({ ...item, tag }, FRAME_MAX - 8));
      events.push(expectedEvent({ ...item, tag }));
    }
    return { bytes: Buffer.concat(frames), events };
  });

describe('frame parser', () => {
  test('any chunking of a valid stream gives the same deliveries', () => {
    const property = fc.property(stream, fc.array(fc.nat(), { maxLength: 40 }), ({ bytes, events }, cuts) => {
      const reading = readAll(cut(bytes, cuts));
      assert.equal(reading.error, undefined);
      assert.deepEqual(reading.events, events);
    });
    fc.assert(property, { numRuns: 400 });
  });

  test('a stream that arrives byte by byte gives the same deliveries', () => {
    const property = fc.property(stream, ({ bytes, events }) => {
      const reading = readAll([...bytes].map((byte) => Buffer.from([byte])));
      assert.equal(reading.error, undefined);
      assert.deepEqual(reading.events, events);
    });
    fc.assert(property, { numRuns: 25 });
  });

  test('of messages that come back only the properties are told, however large they are and however they arrive', () => {
    const returned = fc.record({
      properties: fc.uint8Array({ minLength: 2, maxLength: 80 }).map((bytes) => Buffer.from(bytes)),
      bytes: fc.oneof(fc.nat({ max: 300 }), fc.constantFrom(0, MAX_MESSAGE, MAX_MESSAGE + 1)),
    });
    const cuts = fc.array(fc.nat(), { maxLength: 40 });
    const property = fc.property(fc.array(returned, { maxLength: 5 }), cuts, (messages, at) => {
      const frames = messages.flatMap(({ properties, bytes }) => [
        method(3, 60, 50, u16(312), shortString('NO_ROUTE'), shortString(''), shortString('nowhere')),
        contentHeader(3, bytes, properties),
        ...deliveryFrames({ channel: 3, tag: 1, body: Buffer.alloc(bytes) }, FRAME_MAX - 8).slice(2),
        method(3, 60, 80, u64(1), u8(0)),
      ]);
      const { error, events } = readAll(cut(Buffer.concat(frames), at));
      assert.equal(error, undefined);
      const told = messages.flatMap(({ properties }) => [
        'method 3 60.50',
        `returned 3 ${properties.toString('hex')}`,
        'method 3 60.80',
      ]);
      assert.deepEqual(events, told);
    });
    fc.assert(property);
  });

  test('a stream cut in two anywhere gives the same deliveries', () => {
    const sent = ['', 'body', ''].map((text, index) => ({ channel: 1, tag: index + 1, body: Buffer.from(text) }));
    const bytes = Buffer.concat(sent.flatMap((each) => deliveryFrames(each)));
    for (let at = 0; at <= bytes.length; at += 1) {
      const reading = readAll(cut(bytes, [at]));
      assert.equal(reading.error, undefined, `cut at ${at}`);
      assert.deepEqual(reading.events, sent.map(expectedEvent), `cut at ${at}`);
    }
  });

  test('a mutated stream gives what came before the damage, then one coded error or deliveries, in any chunking alike', () => {
    const mutation = fc.record({ at: fc.nat(), value: fc.integer({ min: 0, max: 255 }) });
    const property = fc.property(
      stream,
      fc.array(mutation, { minLength: 1, maxLength: 4 }),
      fc.array(fc.nat(), { maxLength: 30 }),
      ({ bytes }, mutations, cuts) => {
        fc.pre(bytes.length > 0);
        const damaged = Buffer.from(bytes);
        for (const { at, value } of mutations) damaged[at % bytes.length] = value;
        const whole = readAll([damaged]);
        const pieces = readAll(cut(damaged, cuts));
        assert.ok(whole.error === undefined || isRuntimeError(whole.error, 'E_BROKER_PROTOCOL'), String(whole.error));
        assert.deepEqual(pieces.events, whole.events);
        assert.equal(pieces.error?.message, whole.error?.message);
      },
    );
    fc.assert(property, { numRuns: 600 });
  });

  test('a truncated stream gives the deliveries that were complete and no error', () => {
    const property = fc.property(stream, fc.nat(), ({ bytes, events }, at) => {
      const reading = readAll([bytes.subarray(0, at % (bytes.length + 1))]);
      assert.equal(reading.error, undefined);
      assert.deepEqual(reading.events, events.slice(0, reading.events.length));
    });
    fc.assert(property, { numRuns: 200 });
  });

  test('random bytes give a coded error or wait for more, never an exception', () => {
    const property = fc.property(fc.array(fc.uint8Array({ maxLength: 60 }), { maxLength: 20 }), (chunks) => {
      const { error } = readAll(chunks.map((chunk) => Buffer.from(chunk)));
      assert.ok(error === undefined || isRuntimeError(error, 'E_BROKER_PROTOCOL'), String(error));
    });
    fc.assert(property, { numRuns: 500 });
  });

  test('messages of two channels whose frames alternate are kept apart', () => {
    const one = deliveryFrames({ channel: 1, tag: 1, body: Buffer.alloc(5000, 'a') }, FRAME_MAX - 8);
    const two = deliveryFrames({ channel: 2, tag: 1, body: Buffer.alloc(5000, 'b') }, FRAME_MAX - 8);
    const mixed = one.flatMap((piece, index) => [piece, two[index] as Buffer]);
    const { events, error } = readAll([Buffer.concat(mixed)]);
    assert.equal(error, undefined);
    assert.deepEqual(events, [
      expectedEvent({ channel: 1, tag: 1, body: Buffer.alloc(5000, 'a') }),
      expectedEvent({ channel: 2, tag: 1, body: Buffer.alloc(5000, 'b') }),
    ]);
  });

  test('each sink hears the end of a read that brought it something, once', () => {
    const rig = makeRig([1, 2]);
    const two = [1, 2].flatMap((tag) => deliveryFrames({ channel: 1, tag, body: Buffer.from('x') }));
    const bytes = Buffer.concat([...two, HEARTBEAT]);
    rig.parser.read(bytes, bytes.length);
    assert.equal(rig.readEnds, 1);
    rig.parser.read(HEARTBEAT, HEARTBEAT.length);
    assert.equal(rig.readEnds, 1);
  });

  test('a message above the limit is passed over without being held, and the other channel goes on', () => {
    const big = MAX_MESSAGE + 1;
    const frames = [
      ...deliveryFrames({ channel: 1, tag: 1, body: Buffer.alloc(big) }, FRAME_MAX - 8),
      ...deliveryFrames({ channel: 1, tag: 2, body: Buffer.from('skipped too, the channel is muted') }),
      ...deliveryFrames({ channel: 2, tag: 1, body: Buffer.from('x') }),
    ];
    const { events, error } = readAll([Buffer.concat(frames)]);
    assert.equal(error, undefined);
    assert.deepEqual(events, [`too large 1 ${big}`, expectedEvent({ channel: 2, tag: 1, body: Buffer.from('x') })]);
  });

  test('a body as large as the limit is delivered', () => {
    const body = Buffer.alloc(MAX_MESSAGE, 7);
    const { events } = readAll([Buffer.concat(deliveryFrames({ channel: 1, tag: 1, body }, FRAME_MAX - 8))]);
    assert.deepEqual(events, [expectedEvent({ channel: 1, tag: 1, body })]);
  });

  test('what arrives for a muted channel is skipped', () => {
    const rig = makeRig([1], [1]);
    const bytes = Buffer.concat(deliveryFrames({ channel: 1, tag: 1, body: Buffer.from('x') }));
    assert.equal(rig.parser.read(bytes, bytes.length), undefined);
    assert.deepEqual(rig.events, []);
  });

  test('after end nothing is read, not even the rest of the chunk', () => {
    const events: number[] = [];
    const { parser } = makeRig([]);
    parser.openInbox(1, {
      epochOpened: () => {},
      deliver: ({ tag }) => {
        events.push(tag);
        parser.end();
      },
      readEnded: () => assert.fail('the sink is gone'),
      epochClosed: () => {},
    });
    const bytes = Buffer.concat([1, 2].flatMap((tag) => deliveryFrames({ channel: 1, tag, body: Buffer.from('x') })));
    assert.equal(parser.read(bytes, bytes.length), undefined);
    assert.equal(parser.read(bytes, bytes.length), undefined);
    assert.deepEqual(events, [1]);
  });

  const wrong: readonly (readonly [what: string, bytes: Buffer, message: RegExp])[] = [
    ['an HTTP answer', Buffer.from('HTTP/1.1 400 Bad Request\r\n'), /HTTP server/],
    ['another AMQP version', Buffer.from([0x41, 0x4d, 0x51, 0x50, 3, 1, 0, 0]), /another version of AMQP/],
    ['a TLS alert', Buffer.from([0x15, 3, 3, 0, 2, 2, 0x46, 0]), /amqps/],
    ['an unknown frame type', frame(7, 0, Buffer.alloc(0)), /frame of type 7/],
    [
      'a frame larger than agreed',
      frame(1, 1, Buffer.alloc(FRAME_MAX - 7)),
      /frame of 4089 bytes, expected at most 4088/,
    ],
    ['a wrong end octet', Buffer.from([8, 0, 0, 0, 0, 0, 0, 0xcd]), /byte 205 at the end/],
    ['a heartbeat on a channel', frame(8, 1, Buffer.alloc(0)), /heartbeat/],
    ['a delivery on an unknown channel', deliverMethod({ channel: 9, tag: 1, body: Buffer.alloc(0) }), /no consumer/],
    ['a delivery tag out of order', deliverMethod({ channel: 1, tag: 2, body: Buffer.alloc(0) }), /tag 2, expected 1/],
    ['a header without a delivery', contentHeader(1, 5), /content header/],
    ['a body without a header', frame(3, 1, Buffer.from('x')), /body frame/],
    [
      'more body than announced',
      Buffer.concat([
        deliverMethod({ channel: 1, tag: 1, body: Buffer.alloc(0) }),
        contentHeader(1, 2),
        frame(3, 1, Buffer.from('xyz')),
      ]),
      /3 bytes, expected at most 2/,
    ],
    [
      'a method where a header is due',
      Buffer.concat([deliverMethod({ channel: 1, tag: 1, body: Buffer.alloc(0) }), method(1, 20, 40)]),
      /expected the header/,
    ],
    [
      'a body of 2^63 bytes',
      Buffer.concat([deliverMethod({ channel: 1, tag: 1, body: Buffer.alloc(0) }), contentHeader(1, 2n ** 63n)]),
      /body of \d+ bytes/,
    ],
    ['a method of two bytes', frame(1, 1, Buffer.alloc(2)), /2 bytes left/],
  ];
  for (const [what, bytes, message] of wrong) {
    test(`${what} ends the parser with E_BROKER_PROTOCOL, whole or byte by byte`, () => {
      for (const chunks of [[bytes], [...bytes].map((byte) => Buffer.from([byte]))]) {
        const { error } = readAll(chunks);
        assert.ok(isRuntimeError(error, 'E_BROKER_PROTOCOL'), `got ${String(error)}`);
        assert.match(error.message, message);
      }
    });
  }
});
