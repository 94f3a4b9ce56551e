/**
 * What runs in each thread of the pool. Loading this file never throws and starts no user code: a thread that fails
 * while it loads would stop the pool from replacing any. The task module is imported once the pool has been told that
 * the thread is ready; whatever goes wrong then comes back as an answer.
 */
import { BroadcastChannel, parentPort, threadId, workerData } from 'node:worker_threads';
import { move } from 'piscina';
import { nativeCodec } from '../../codec/native-codec.ts';
import { EffectWriter } from '../../store/effect-writer.ts';
import { wireOf } from '../failure.ts';
import { abortRuns, type RunEnvironment, runBatch } from '../run-batch.ts';
import { StoreLink } from '../store-link.ts';
import type { LogSink } from '../task-log.ts';
import { importTasks } from '../task-module.ts';
import { TaskTable } from '../task-table.ts';
import type {
  ThreadAnswer,
  ThreadCommand,
  ThreadData,
  ThreadLoaded,
  ThreadLogLine,
  ThreadRequest,
} from './thread-protocol.ts';

type Loaded = RunEnvironment | Extract<ThreadAnswer, { kind: 'failed' }>;

const data = workerData as ThreadData;
const link = data.store === undefined ? undefined : new StoreLink(data.store);
let loading: Promise<Loaded> | undefined;

// Not now: the pool learns after this module that the thread is ready.
setImmediate(() => void load());

const commands = new BroadcastChannel(data.channel);
commands.onmessage = (event) => {
  const command = (event as { data: ThreadCommand }).data;
  if (command.kind === 'abort') void load().then((loaded) => 'runs' in loaded && abortRuns(loaded));
};
commands.unref();

/** Answers one request of the pool; never throws. */
export async function answer(request: ThreadRequest): Promise<unknown> {
  const loaded = await load();
  if ('error' in loaded) return loaded;
  try {
    if (request.kind === 'run') return move(await runBatch(request, loaded));
    await link?.open();
    return { kind: 'started', tasks: loaded.tasks.describe() } satisfies ThreadAnswer;
  } catch (thrown) {
    return {
      kind: 'failed',
      error: wireOf(thrown, request.kind === 'run' ? 'E_STATE' : 'E_STORE_UNREACHABLE'),
    } satisfies ThreadAnswer;
  }
}

function load(): Promise<Loaded> {
  loading ??= loadTasks().catch(
    (thrown: unknown) => ({ kind: 'failed', error: wireOf(thrown, 'E_TASK_MODULE_LOAD') }) as const,
  );
  return loading;
}

async function loadTasks(): Promise<RunEnvironment> {
  const environment = {
    tasks: new TaskTable(await importTasks(data.taskModule), data.timeouts),
    codec: nativeCodec,
    effects: new EffectWriter(link),
    threadId,
    timeouts: data.timeouts,
    log,
    runs: new Set<{ abort(): void }>(),
  };
  parentPort?.postMessage({ kind: 'loaded', threadId } satisfies ThreadLoaded);
  return environment;
}

const log: LogSink = (level, message, fields) => {
  const line: ThreadLogLine = { kind: 'log', level, message, fields };
  try {
    parentPort?.postMessage(line);
  } catch {
    // A field that cannot be cloned, e.g. a function or a socket: the line still arrives, with what text shows of it.
    parentPort?.postMessage({ ...line, fields: asText(fields) });
  }
};

function asText(fields: Readonly<Record<string, unknown>>): Record<string, string> {
  const texts: Record<string, string> = {};
  for (const [key, value] of Object.entries(fields)) {
    try {
      texts[key] = String(value);
    } catch {
      texts[key] = '(cannot be shown as text)';
    }
  }
  return texts;
}
