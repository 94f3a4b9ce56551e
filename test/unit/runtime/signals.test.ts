import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { test } from 'node:test';
import { RuntimeError } from '../../../src/errors/runtime-error.ts';
import { drainOnSignals } from '../../../src/runtime/signals.ts';
import { SILENT_LOGGER } from '../../../src/telemetry/logger.ts';

class FakeProcess extends EventEmitter {
  readonly exits: number[] = [];
  readonly kills: unknown[] = [];
  readonly pid = 77;
  kill(...call: unknown[]): void {
    this.kills.push(call);
  }
  exit(code: number): void {
    this.exits.push(code);
  }
}

test('the first signal stops the runtime, the second ends the process with the code of that signal', () => {
  const source = new FakeProcess();
  let stops = 0;
  drainOnSignals({ stop: async () => void stops++ }, SILENT_LOGGER, source);
  source.emit('SIGTERM');
  assert.deepEqual([stops, source.exits], [1, []]);
  source.emit('SIGINT');
  source.emit('SIGTERM');
  assert.deepEqual([stops, source.exits], [1, [130, 143]]);
});

test('a stop that fails ends the process with 1', async () => {
  const source = new FakeProcess();
  const exited = new Promise<number>((resolve) => {
    source.exit = resolve;
  });
  drainOnSignals({ stop: () => Promise.reject(new Error('stuck')) }, SILENT_LOGGER, source);
  source.emit('SIGINT');
  assert.equal(await exited, 1);
});

test('a stop that a thread in native code holds up ends the process with SIGKILL, which waits for nothing', async () => {
  const source = new FakeProcess();
  const killed = new Promise<unknown[]>((resolve) => {
    source.kill = (...call) => resolve(call);
  });
  const stuck = new RuntimeError('E_THREAD_STUCK', 'scripted');
  drainOnSignals({ stop: () => Promise.reject(stuck) }, SILENT_LOGGER, source);
  source.emit('SIGTERM');
  assert.deepEqual(await killed, [77, 'SIGKILL']);
  assert.deepEqual(source.exits, []);
});

test('without the listeners a signal is nobody’s', () => {
  const source = new FakeProcess();
  const remove = drainOnSignals({ stop: async () => assert.fail('stopped') }, SILENT_LOGGER, source);
  remove();
  assert.deepEqual([source.listenerCount('SIGTERM'), source.listenerCount('SIGINT')], [0, 0]);
  source.emit('SIGTERM');
});
