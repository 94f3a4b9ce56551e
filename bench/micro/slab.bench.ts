/** Nanoseconds a message for packing into a slab and copying batches out, and what reuse of memory is worth. */
import { Bench } from 'tinybench';
import { batchBytes, packBatch } from '../../src/batch/batch-packer.ts';
import type { RawDelivery } from '../../src/batch/raw-delivery.ts';
import { Slab } from '../../src/batch/slab.ts';
import { printPerMessage } from './print-per-message.ts';

const MESSAGES = 2_500;
const BATCH = 250;
const source = Buffer.alloc(400, 'x');
const delivery: RawDelivery = {
  tag: 1,
  redelivered: false,
  source,
  propertiesStart: 20,
  propertiesEnd: 90,
  bodyStart: 98,
  bodyEnd: 298,
};
const stamp = { openedAtMs: 0, openedMonotonicMs: 0, salt: 1 };

function fill(slab: Slab): void {
  slab.reset(1, 1);
  for (let n = 0; n < MESSAGES; n++) slab.append(delivery, 0);
}

function cut(slab: Slab, makeBuffer: (bytes: number) => ArrayBuffer): void {
  for (let from = 0; from < MESSAGES; from += BATCH) {
    packBatch({ slab, fromRecord: from, count: BATCH }, stamp, makeBuffer(batchBytes(slab, from, BATCH)));
  }
}

const reused = new Slab(1 << 20, 4096);
const buffer = new ArrayBuffer(1 << 17);
const bench = new Bench({ time: 500 });
bench.add('append to a reused slab', () => fill(reused));
bench.add('append to a fresh slab', () => fill(new Slab(1 << 20, 4096)));
bench.add('copy batches into a reused buffer', () => cut(reused, () => buffer));
bench.add('copy batches into fresh buffers', () => cut(reused, (bytes) => new ArrayBuffer(bytes)));
await bench.run();
printPerMessage(bench, MESSAGES);
