// Changed from the measuring program: the store comes from the main thread, and each payload goes through the same
// counting as in every other contender.
import { getEnvironmentData } from 'node:worker_threads';
import { MongoClient } from 'mongodb';
import { openHandledLedger } from '../../harness/handled-ledger.ts';

const store = getEnvironmentData('millrace.bench.prototype.store');
const record = openHandledLedger();
let col;
async function open() {
  const c = new MongoClient(store.url, { maxPoolSize: 2 });
  await c.connect();
  col = c.db(store.database).collection(store.collection);
}
const ready = store ? open() : null;
export default async function ({ buf, offs, n }) {
  const u8 = Buffer.from(buf);
  const o = new Uint32Array(offs);
  let ok = 0;
  const docs = store ? [] : null;
  for (let i = 0; i < n; i++) {
    const j = JSON.parse(u8.latin1Slice(o[i], o[i + 1]));
    record(j);
    if (docs) docs.push(j.Args ? { _id: j.UUID, at: new Date(), args: j.Args } : { _id: j.UUID || undefined, ...j });
    ok++;
  }
  if (docs) {
    await ready;
    try {
      await col.insertMany(docs, { ordered: false });
    } catch (e) {
      if (e.code !== 11000) throw e;
    }
  }
  return ok;
}
