/**
 * Nanoseconds a message on its way to the socket, for 200-byte messages as the client makes them: its properties counted,
 * its frames written into blocks that the socket gives back at once, and its place in the window of unconfirmed messages.
 */
import { Bench } from 'tinybench';
import { propertiesBytes } from '../../src/batch/message-properties.ts';
import { PublishBlocks } from '../../src/broker/amqp/publish-blocks.ts';
import { PublishEncoder } from '../../src/broker/amqp/publish-encoder.ts';
import { PublishWindow } from '../../src/broker/amqp/publish-window.ts';
import type { OutgoingMessage } from '../../src/broker/broker.ts';
import { type TaskMessageParts, taskMessage } from '../../src/client/task-message.ts';
import { uuidV7 } from '../../src/support/uuid-v7.ts';
import { printPerMessage } from './print-per-message.ts';

const MESSAGES = 5000;
const WINDOW = 2000;
/** Messages that one confirm is about. */
const CONFIRMED = 100;

const parts: TaskMessageParts = {
  task: 'record-call',
  queue: 'calls',
  priority: undefined,
  correlationId: undefined,
  headers: undefined,
  timing: { remainingMs: undefined, dueAt: undefined, startBy: undefined },
};
const body = Buffer.alloc(200, 'x');
const messages = Array.from({ length: MESSAGES }, () => taskMessage(parts, uuidV7(), body));
const sizes = messages.map(({ properties }) => propertiesBytes(properties));
let written = 0;
const blocks = new PublishBlocks(
  (bytes, done) => {
    written += bytes.length;
    done();
  },
  () => {},
);
const encoder = new PublishEncoder(blocks, 1, 131_072);
const window = new PublishWindow<OutgoingMessage>(WINDOW);

const bench = new Bench({ time: 500 });
bench.add('counting the bytes of properties', () => {
  for (const { properties } of messages) written += propertiesBytes(properties);
});
bench.add('encoding', () => {
  for (let index = 0; index < MESSAGES; index++)
    encoder.encode(messages[index] as OutgoingMessage, sizes[index] as number);
  blocks.flush();
});
bench.add('the window', () => {
  for (const message of messages) {
    const tag = window.add(message);
    if (tag % CONFIRMED === 0) window.take(tag, true);
  }
});
bench.add('an id', () => {
  for (let index = 0; index < MESSAGES; index++) written += uuidV7().length;
});
bench.add('the message itself', () => {
  for (let index = 0; index < MESSAGES; index++) written += taskMessage(parts, 'id', body).body.length;
});
await bench.run();
if (written === 0) throw new Error('nothing was written');
printPerMessage(bench, MESSAGES);
