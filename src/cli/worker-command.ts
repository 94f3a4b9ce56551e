import type { RuntimeOptions } from '../config/options.ts';
import { isRuntimeError } from '../errors/runtime-error.ts';
import { type Command, UsageError } from './command.ts';
import { complain } from './error-line.ts';
import { DONE, FAILED, KILLED } from './exit-code.ts';
import { RUNTIME_FLAGS, runtimeOptions } from './runtime-flags.ts';

/** `millrace worker`: consumes until it is told to stop. */
export const workerCommand: Command = {
  name: 'worker',
  summary: 'consume queues and run tasks until SIGTERM or SIGINT',
  description:
    'Connects to the broker and the store, loads the tasks in every thread, declares missing queues, and consumes. ' +
    'SIGTERM or SIGINT drains: begun tasks finish, everything finished is acknowledged; a second signal ends it at once. ' +
    'Flags win over the environment. Logs are JSON lines on standard error.',
  flags: RUNTIME_FLAGS,
  examples: [
    'millrace worker --tasks ./tasks.js --queue calls --store mongodb://localhost/app',
    'AMQP_URL=amqp://localhost MILLRACE_QUEUES=calls,images millrace worker --tasks ./tasks.js --threads 4',
  ],
  async run(values, io) {
    const options = runtimeOptions(values, io.env);
    if (options.tasks === undefined) throw new UsageError('worker needs --tasks MODULE (or MILLRACE_TASKS)');
    const { startRuntime } = await import('../runtime/start-runtime.ts');
    const runtime = await startRuntime({ ...(options as RuntimeOptions), signals: true });
    try {
      await runtime.stopped;
      return DONE;
    } catch (error) {
      io.stderr.write(`${complain(error).text}\n`);
      return isHeld(error) ? KILLED : FAILED;
    }
  },
};

/** A thread is held by native code; a normal exit would wait for it. */
function isHeld(error: unknown): boolean {
  return isRuntimeError(error, 'E_THREAD_STUCK') || isRuntimeError(error, 'E_STOP_TIMEOUT');
}
