/**
 * What a message costs in its thread, step by step: hopping over its properties, making its text, parsing it, and the
 * whole of runBatch around a handler that does nothing. 500 messages of 200 bytes a batch, with content type, id, type.
 *
 *     node --import tsx bench/micro/batch-reader.bench.ts
 */
import { isAscii } from 'node:buffer';
import { Bench } from 'tinybench';
import { BatchReader } from '../../src/batch/batch-reader.ts';
import { Ledger } from '../../src/batch/ledger.ts';
import { decodeProperties } from '../../src/batch/message-properties.ts';
import { nativeCodec } from '../../src/codec/native-codec.ts';
import { type RunEnvironment, runBatch } from '../../src/executor/run-batch.ts';
import { TaskTable } from '../../src/executor/task-table.ts';
import { EffectWriter } from '../../src/store/effect-writer.ts';
import type { StoreWriter } from '../../src/store/store.ts';
import { defineTask, insertOne } from '../../src/task/index.ts';
import { collectTasks } from '../../src/task/task-registry.ts';
import { type BatchMessage, makeBatch } from '../../test/support/make-batch.ts';
import { printPerMessage } from './print-per-message.ts';

const MESSAGES = 500;
const BODY_BYTES = 200;

interface Call {
  readonly id: string;
  readonly from: string;
}

const call = {
  id: '0190b2a4-1234-7abc-8def-0123456789ab',
  from: '+441234567890',
  to: '+449876543210',
  at: 1718000000000,
  seconds: 341,
};
const body = JSON.stringify({
  ...call,
  filler: 'x'.repeat(BODY_BYTES - JSON.stringify({ ...call, filler: '' }).length),
});

function messages(type: string): BatchMessage[] {
  return Array.from({ length: MESSAGES }, (_, n) => ({
    properties: {
      contentType: 'application/json',
      messageId: `0190b2a4-1234-7abc-8def-${String(n).padStart(12, '0')}`,
      type,
    },
    body,
  }));
}

const taking: StoreWriter = { insertMany: async () => [], applyOnce: async () => [], close: async () => {} };
const TIMEOUTS = { taskMs: 900_000, graceMs: 2_000 };
const environment: RunEnvironment = {
  tasks: new TaskTable(
    collectTasks(
      {
        sync: defineTask('record-call', (payload: Call) => payload.id.length),
        effect: defineTask('insert-call', (payload: Call) => insertOne('calls', { ...payload })),
        later: defineTask('record-call-later', async (payload: Call) => payload.id.length),
      },
      'this bench',
    ),
    TIMEOUTS,
  ),
  codec: nativeCodec,
  effects: new EffectWriter(taking),
  threadId: 1,
  log: () => {},
  runs: new Set(),
};

const pristine = makeBatch(messages('record-call'));
const reader = new BatchReader(pristine, 'calls');
let sink = 0;

function eachMessage(work: () => number): () => void {
  return () => {
    for (let record = 0; record < MESSAGES; record++) {
      reader.moveTo(record);
      sink += work();
    }
  };
}

function whole(type: string): () => Promise<void> {
  const batch = makeBatch(messages(type));
  const ledger = Ledger.allocate(MESSAGES);
  const room = new ArrayBuffer(batch.byteLength);
  return async () => {
    new Uint8Array(room).set(new Uint8Array(batch)); // 0.02 µs a message: outcomes are packed over the batch
    ledger.reset(MESSAGES);
    await runBatch({ buffer: room, ledger: ledger.shared, queue: 'calls', defaultTask: undefined }, environment);
  };
}

const bench = new Bench({ time: 400, warmupTime: 200 })
  .add(
    'reader: hop over the properties',
    eachMessage(() => reader.typeEnd),
  )
  .add(
    'instead: decode them to an object',
    eachMessage(() => decodeProperties(reader.bytes, reader.propertiesStart, reader.bodyStart).type?.length ?? 0),
  )
  .add(
    'text: utf8Slice',
    eachMessage(() => reader.bytes.utf8Slice(reader.bodyStart, reader.bodyEnd).length),
  )
  .add(
    'instead: isAscii ? latin1Slice : utf8Slice',
    eachMessage(() => {
      const ascii = isAscii(reader.bytes.subarray(reader.bodyStart, reader.bodyEnd));
      return reader.bytes.toString(ascii ? 'latin1' : 'utf8', reader.bodyStart, reader.bodyEnd).length;
    }),
  )
  .add(
    'codec: text and JSON.parse',
    eachMessage(() => (nativeCodec.decode(reader, undefined) as Call).id.length),
  )
  .add('runBatch: sync handler', whole('record-call'))
  .add('runBatch: sync handler with an effect', whole('insert-call'))
  .add('runBatch: async handler', whole('record-call-later'));

await bench.run();
printPerMessage(bench, MESSAGES);
if (sink === 0) throw new Error('nothing was read');
