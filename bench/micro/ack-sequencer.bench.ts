/** Nanoseconds a message in the ack sequencer: in order, out of order, and against acking each message. */
import { Bench } from 'tinybench';
import { AckSequencer } from '../../src/delivery/ack-sequencer.ts';
import { NaiveAckSequencer } from '../../test/reference/naive-ack-sequencer.ts';
import { printPerMessage } from './print-per-message.ts';

const MESSAGES = 100_000;
const BATCH = 250;
let acks = 0;
const emit = (): void => {
  acks++;
};

const bench = new Bench({ time: 500 });
bench.add('batches in order', () => {
  const sequencer = new AckSequencer(2000);
  for (let tag = 1; tag <= MESSAGES; tag += BATCH) {
    sequencer.delivered(tag + BATCH - 1);
    sequencer.settle(tag, BATCH);
    sequencer.take(emit);
  }
});
bench.add('two batches crossed', () => {
  const sequencer = new AckSequencer(2000);
  for (let tag = 1; tag <= MESSAGES; tag += 2 * BATCH) {
    sequencer.delivered(tag + 2 * BATCH - 1);
    sequencer.settle(tag + BATCH, BATCH);
    sequencer.take(emit);
    sequencer.settle(tag, BATCH);
    sequencer.take(emit);
  }
});
bench.add('reference: each message acked', () => {
  const sequencer = new NaiveAckSequencer();
  for (let tag = 1; tag <= MESSAGES; tag += BATCH) {
    sequencer.settle(tag, BATCH);
    sequencer.take(emit);
  }
});
await bench.run();
printPerMessage(bench, MESSAGES);
if (acks === 0) throw new Error('nothing was acked');
