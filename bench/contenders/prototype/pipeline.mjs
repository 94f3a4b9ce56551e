// The prototype: the floor that the product is measured against. No reconnects, no errors, no retries, no guarantees.
// consume natively -> pack -> piscina -> (insertMany in the thread) -> ack the completed prefix with multiple
//
// Its hot path is kept as it was. Changed around it: wrapped in start(job), with the job's URL, queue and settings instead
// of constants; time and CPU are taken by harness/wire-watch.ts instead of here; heartbeats stay off; the latency from
// the first read of a batch to its ack is noted, one call a batch; the thread counts what it handles (pipeline-thread.mjs).
import net from 'node:net';
import { setEnvironmentData } from 'node:worker_threads';
import Piscina from 'piscina';
import { LatencyRecorder } from '../../harness/latency-recorder.ts';
import { targetOf } from '../../harness/raw-amqp.ts';

const DEFAULTS = { prefetch: 2000, batch: 250, threads: 1 };
const CONCURRENT_BATCHES_PER_THREAD = 2;
const SLAB_BYTES = 1 << 17;

function frame(type, ch, payload) {
  const b = Buffer.alloc(8 + payload.length);
  b[0] = type;
  b.writeUInt16BE(ch, 1);
  b.writeUInt32BE(payload.length, 3);
  payload.copy(b, 7);
  b[7 + payload.length] = 206;
  return b;
}
const ss = (s) => Buffer.concat([Buffer.from([Buffer.byteLength(s)]), Buffer.from(s)]);
const u32 = (n) => {
  const b = Buffer.alloc(4);
  b.writeUInt32BE(n >>> 0);
  return b;
};
const u16 = (n) => {
  const b = Buffer.alloc(2);
  b.writeUInt16BE(n);
  return b;
};
const m = (c, mm, ...p) => Buffer.concat([u16(c), u16(mm), ...p]);

export async function start(job) {
  const target = targetOf(job.amqpUrl);
  const Q = job.queue;
  const pf = job.prefetch === 'auto' ? DEFAULTS.prefetch : job.prefetch;
  const B = job.batch === 'auto' ? DEFAULTS.batch : job.batch;
  const T = job.threads === 'auto' ? DEFAULTS.threads : job.threads;
  setEnvironmentData('millrace.bench.prototype.store', job.store);
  const pool = new Piscina({
    filename: new URL('./pipeline-thread.mjs', import.meta.url).href,
    minThreads: T,
    maxThreads: T,
    concurrentTasksPerWorker: CONCURRENT_BATCHES_PER_THREAD,
    atomics: 'disabled',
  });
  const latency = new LatencyRecorder();
  let consuming;
  const consumed = new Promise((r) => (consuming = r));

  const s = net.connect(target.port, target.host);
  s.setNoDelay(true);
  let rest = null;
  let left = 0;
  let tag = 0;
  let slab = new ArrayBuffer(SLAB_BYTES);
  let u8 = Buffer.from(slab);
  let off = 0;
  let offs = new Uint32Array(B + 1);
  let cnt = 0;
  let first = 0;
  let readAt = 0;
  const ackT = frame(1, 1, m(60, 80, Buffer.alloc(8), Buffer.from([1])));
  let acked = 0;
  const done = new Map();
  function ack(to) {
    const b = Buffer.from(ackT);
    b.writeUInt32BE(to >>> 0, 15);
    b.writeUInt32BE(Math.floor(to / 4294967296), 11);
    s.write(b);
  }
  let timer = null;
  function flush() {
    if (timer) {
      clearTimeout(timer);
      timer = null;
    }
    if (!cnt) return;
    offs[cnt] = off;
    const f = first;
    const l = first + cnt - 1;
    const k = cnt;
    const b = slab;
    const o = offs.buffer;
    const t = readAt;
    slab = new ArrayBuffer(SLAB_BYTES);
    u8 = Buffer.from(slab);
    off = 0;
    offs = new Uint32Array(B + 1);
    cnt = 0;
    pool.run({ buf: b, offs: o, n: k }, { transferList: [b, o] }).then(
      () => {
        done.set(f, l);
        let a = acked;
        while (done.has(a + 1)) {
          const e = done.get(a + 1);
          done.delete(a + 1);
          a = e;
        }
        if (a !== acked) {
          acked = a;
          ack(a);
        }
        latency.record(performance.now() - t, k);
      },
      (e) => {
        console.error(e);
        process.exit(1);
      },
    );
  }
  function msg() {
    if (cnt === 0) {
      first = tag;
      readAt = performance.now();
    }
    cnt++;
    if (cnt === B || off > SLAB_BYTES - 8192) flush();
    else offs[cnt] = off;
  }
  s.on('error', () => {});
  s.on('data', (chunk) => {
    const buf = rest ? Buffer.concat([rest, chunk]) : chunk;
    rest = null;
    let p = 0;
    const L = buf.length;
    while (L - p >= 8) {
      const type = buf[p];
      const size = buf[p + 3] * 16777216 + ((buf[p + 4] << 16) | (buf[p + 5] << 8) | buf[p + 6]);
      const e = p + 8 + size;
      if (e > L) break;
      if (type === 1) {
        const cm = ((buf[p + 7] << 24) | (buf[p + 8] << 16) | (buf[p + 9] << 8) | buf[p + 10]) >>> 0;
        if (cm === ((60 << 16) | 60) >>> 0) {
          let q = p + 11;
          q += 1 + buf[q];
          tag = buf.readUInt32BE(q) * 4294967296 + buf.readUInt32BE(q + 4);
          if (cnt === 0) offs[0] = 0;
        } else on(cm);
      } else if (type === 2) {
        left = buf.readUInt32BE(p + 15);
        if (left === 0) msg();
      } else if (type === 3) {
        buf.copy(u8, off, p + 7, e - 1);
        off += size;
        left -= size;
        if (left === 0) msg();
      }
      p = e;
    }
    if (p < L) rest = p === 0 ? buf : buf.subarray(p);
    if (cnt && !timer) timer = setTimeout(flush, 2);
  });
  function on(cm) {
    const c = cm >>> 16;
    const mm = cm & 0xffff;
    if (c === 10 && mm === 10) {
      const plain = Buffer.from(`\0${target.user}\0${target.password}`);
      s.write(frame(1, 0, m(10, 11, u32(0), ss('PLAIN'), u32(plain.length), plain, ss('en_US'))));
    } else if (c === 10 && mm === 30) {
      s.write(frame(1, 0, m(10, 31, u16(2047), u32(131072), u16(0))));
      s.write(frame(1, 0, m(10, 40, ss(target.vhost), ss(''), Buffer.from([0]))));
    } else if (c === 10 && mm === 41) s.write(frame(1, 1, m(20, 10, ss(''))));
    else if (c === 20 && mm === 11) s.write(frame(1, 1, m(60, 10, u32(0), u16(pf), Buffer.from([0]))));
    else if (c === 60 && mm === 11) s.write(frame(1, 1, m(60, 20, u16(0), ss(Q), ss(''), Buffer.from([0]), u32(0))));
    else if (c === 60 && mm === 21) consuming();
  }
  await pool.run({ buf: new ArrayBuffer(0), offs: new Uint32Array(1).buffer, n: 0 }).catch(() => {});
  s.write(Buffer.from([65, 77, 81, 80, 0, 0, 9, 1]));
  await consumed;
  return {
    latency: () => latency.snapshot(),
    async stop() {
      await new Promise((r) => s.once('close', r).end(frame(1, 0, m(10, 50, u16(200), ss(''), u16(0), u16(0)))));
      await pool.destroy();
    },
  };
}
