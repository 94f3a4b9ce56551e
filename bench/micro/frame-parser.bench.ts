/**
 * Nanoseconds a delivery in the frame parser, for a recorded stream of 200-byte messages in chunks of several sizes: what a
 * loaded socket gives (large), what a trickle gives (small), and each frame cut in two places or more (64 bytes). The sink
 * copies each message into a buffer, as the pipeline does; its share is shown by the last row.
 */
import { Bench } from 'tinybench';
import { FrameParser } from '../../src/broker/amqp/frame-parser.ts';
import type { DeliverySink } from '../../src/broker/broker.ts';
import { deliveryFrames, shortString, u8, u16 } from '../../test/support/amqp-frames.ts';
import { printPerMessage } from './print-per-message.ts';

const MESSAGES = 5000;
const CHUNKS = [256 * 1024, 64 * 1024, 16 * 1024, 1460, 64];
const slab = Buffer.alloc(1024 * 1024);
let used = 0;
let received = 0;

const sink: DeliverySink = {
  epochOpened: () => {},
  deliver: ({ source, propertiesStart, propertiesEnd, bodyStart, bodyEnd }) => {
    if (used + bodyEnd - propertiesStart > slab.length) used = 0;
    used += source.copy(slab, used, propertiesStart, propertiesEnd);
    used += source.copy(slab, used, bodyStart, bodyEnd);
    received++;
  },
  readEnded: () => {},
  epochClosed: () => {},
};

// content_type and delivery_mode, as most publishers set them
const properties = Buffer.concat([u16(0x9000), shortString('application/json'), u8(2)]);
const recorded = Buffer.concat(
  Array.from({ length: MESSAGES }, (_, index) => {
    const delivery = { channel: 1, tag: index + 1, consumerTag: 'millrace', routingKey: 'calls', properties };
    return Buffer.concat(deliveryFrames({ ...delivery, body: Buffer.alloc(200, 'x') }));
  }),
);

function parse(chunks: readonly Buffer[]): void {
  const parser = new FrameParser({ method: () => {}, returned: () => {}, tooLarge: () => {} }, 131_072, 1024 * 1024);
  parser.openInbox(1, sink);
  const before = received;
  for (const chunk of chunks) parser.read(chunk, chunk.length);
  if (received - before !== MESSAGES) throw new Error(`${received - before} of ${MESSAGES} messages came out`);
}

const bench = new Bench({ time: 500 });
for (const size of CHUNKS) {
  const chunks: Buffer[] = [];
  for (let start = 0; start < recorded.length; start += size) chunks.push(recorded.subarray(start, start + size));
  bench.add(`chunks of ${size} bytes`, () => parse(chunks));
}
const end = 220;
const raw = {
  tag: 1,
  redelivered: false,
  source: recorded,
  propertiesStart: 0,
  propertiesEnd: 20,
  bodyStart: 20,
  bodyEnd: end,
};
bench.add('the sink alone', () => {
  for (let index = 0; index < MESSAGES; index += 1) sink.deliver(raw);
});
await bench.run();
printPerMessage(bench, MESSAGES);
