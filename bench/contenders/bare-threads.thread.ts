import { parentPort, workerData } from 'node:worker_threads';
import { openHandledLedger } from '../harness/handled-ledger.ts';
import { hashTimes } from '../harness/hash-work.ts';
import { signatureAt } from '../harness/message-source.ts';
import type { BareShare } from './bare-threads.ts';

const { job, from, to } = workerData as BareShare;
const count = openHandledLedger();
parentPort?.once('message', () => {
  for (let index = from; index < to; index++) {
    count(signatureAt(job.seed, index));
    hashTimes(job.iterations ?? 0, index);
  }
  parentPort?.postMessage('done');
});
parentPort?.postMessage('ready');
