import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer } from 'node:net';
import { test } from 'node:test';
import fc from 'fast-check';
import { long, longLong, METHOD, method, methodId, short, shortString } from '../../../bench/harness/raw-amqp.ts';
import { WireWatch, watchWrites } from '../../../bench/harness/wire-watch.ts';

const HEADER = Buffer.from('AMQP\0\0\x09\x01', 'latin1');

function consume(queue: string, channel = 1): Buffer {
  return method(channel, methodId(60, 20), short(0), shortString(queue), shortString(''), Buffer.from([0]), long(0));
}

function ack(tag: number, multiple: boolean, channel = 1): Buffer {
  return method(channel, METHOD.ack, longLong(tag), Buffer.from([multiple ? 1 : 0]));
}

/** The bytes in pieces that end at the given places. */
function cut(bytes: Buffer, places: readonly number[]): Buffer[] {
  const edges = [0, ...places.map((place) => place % bytes.length).sort((a, b) => a - b), bytes.length];
  return edges.slice(1).map((edge, i) => bytes.subarray(edges[i], edge));
}

test('sees every ack however the writes are cut', () => {
  const stream = Buffer.concat([consume('q'), ack(3, true), ack(5, false), ack(4, false), ack(10, true)]);
  fc.assert(
    fc.property(fc.array(fc.nat(), { maxLength: 12 }), (places) => {
      const watch = new WireWatch({ queue: 'q', messages: 10 });
      const socket = {};
      watch.saw(socket, HEADER);
      for (const piece of cut(stream, places)) watch.saw(socket, piece);
      assert.equal(watch.acked, 10);
      assert.equal(watch.unknownTags, 0);
      assert.ok(watch.startMs > 0 && watch.endMs >= watch.startMs);
      assert.ok(watch.ackTimes.every((time) => time > 0));
    }),
  );
});

test('goes on where the same queue is consumed again on its channel', () => {
  const watch = new WireWatch({ queue: 'q', messages: 2 });
  const socket = {};
  watch.saw(socket, Buffer.concat([HEADER]));
  watch.saw(socket, consume('q'));
  const { startMs } = watch;
  watch.saw(socket, Buffer.concat([ack(1, false), consume('q'), ack(2, false)]));
  assert.deepEqual([watch.acked, watch.startMs], [2, startMs]);
});

test('keeps its own copy of a half frame, because a writer may use its buffer again', () => {
  const watch = new WireWatch({ queue: 'q', messages: 1 });
  const socket = {};
  const bytes = Buffer.concat([consume('q'), ack(1, false)]);
  const reused = Buffer.alloc(64);
  watch.saw(socket, HEADER);
  for (let at = 0; at < bytes.length; at += 5) {
    const size = bytes.copy(reused, 0, at, at + 5);
    watch.saw(socket, reused.subarray(0, size));
    reused.fill(0xff);
  }
  assert.equal(watch.acked, 1);
});

test('does not count acks of another channel, another connection or another queue', () => {
  const watch = new WireWatch({ queue: 'q', messages: 4 });
  const ours = {};
  const other = {};
  const database = {};
  watch.saw(database, Buffer.from('no AMQP at all'));
  watch.saw(database, ack(1, false));
  watch.saw(other, Buffer.concat([HEADER, consume('q.dead'), ack(1, false)]));
  watch.saw(ours, Buffer.concat([HEADER, consume('q', 2), ack(1, false, 3)]));
  assert.equal(watch.acked, 0);
  watch.saw(ours, ack(1, false, 2));
  assert.equal(watch.acked, 1);
});

test('notices acks of tags that are not outstanding, and nacks', () => {
  const watch = new WireWatch({ queue: 'q', messages: 4 });
  const socket = {};
  const nack = method(1, METHOD.nack, longLong(3), Buffer.from([2]));
  watch.saw(socket, Buffer.concat([HEADER, consume('q'), ack(2, true), ack(2, true), nack]));
  assert.equal(watch.acked, 2);
  assert.equal(watch.unknownTags, 1);
  assert.equal(watch.nacked, 1);
});

test('tells when everything is acked', async () => {
  const watch = new WireWatch({ queue: 'q', messages: 2 });
  watch.saw({}, Buffer.concat([HEADER, consume('q'), ack(2, true)]));
  await watch.allAcked;
  assert.ok(watch.cpuMicros >= 0);
});

test('sees a connection whose client writes the protocol header as text', async () => {
  const watch = new WireWatch({ queue: 'q', messages: 2 });
  watchWrites(watch);
  const server = createServer((socket) => socket.resume()).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const socket = connect(port, '127.0.0.1');
  await once(socket, 'connect');
  socket.write('AMQP\0\0\u0009\u0001');
  socket.write(Buffer.concat([consume('q'), ack(2, true)]));
  await watch.allAcked;
  socket.destroy();
  server.close();
});
