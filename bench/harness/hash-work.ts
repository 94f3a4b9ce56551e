/** Work for a CPU that nothing can take a short cut in: every step needs the result of the one before. */

const CALIBRATION_MS = 200;
const CALIBRATIONS = 5;

/** Hashes so often; the result depends on every step. About 1 ns each. */
export function hashTimes(iterations: number, seed: number): number {
  let hash = seed | 0;
  for (let i = 0; i < iterations; i++) {
    hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d);
    hash = Math.imul(hash ^ (hash >>> 12), 0x297a2d39) + i;
  }
  return hash >>> 0;
}

/** How many iterations take `ms` on this machine, as the fastest of a few looks finds: the others were interrupted. */
export function calibrate(ms: number): number {
  let best = 0;
  let sink = 0;
  for (let look = 0; look < CALIBRATIONS; look++) {
    const end = performance.now() + CALIBRATION_MS;
    let done = 0;
    const start = performance.now();
    while (performance.now() < end) {
      sink ^= hashTimes(100_000, sink);
      done += 100_000;
    }
    best = Math.max(best, done / (performance.now() - start));
  }
  return sink === -1 ? 0 : Math.max(1, Math.round(best * ms)); // never -1: so that the work is not optimised away
}
