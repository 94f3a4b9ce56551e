/**
 * What every part that starts and stops promises:
 *
 * 1. `start` resolves when the part is ready, or rejects and leaves nothing behind.
 * 2. Starting twice is one start.
 * 3. `stop` before `start` is fine.
 * 4. `stop` twice is one stop.
 * 5. After `stop` has resolved nothing of the part is left: no timer, no socket, no thread.
 *
 * test/contract/exercise-service.ts puts every part through these five.
 */
export interface Service {
  start(): Promise<void>;
  stop(): Promise<void>;
}
