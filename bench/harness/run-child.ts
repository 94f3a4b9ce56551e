/** Starts a contender's process, follows it, and gives back its report. */
import { type ChildProcess, fork } from 'node:child_process';
import type { ChildReport, ChildTask, FromChild, ToChild } from './child.ts';
import type { Progress } from './progress.ts';

/** No ack for this long means that none will come: the run is then reported as it stands. */
const STALL_MS = 30_000;
/** A child that was told to give up and does not report is ended. */
const GIVE_UP_MS = 15_000;

export interface ContenderProcess {
  /** It consumes. */
  readonly ready: Promise<void>;
  /** One of a fleet: it waits for `go`. */
  readonly loaded: Promise<void>;
  go(): void;
  /** The fleet is done: it ends and reports. */
  finish(): void;
  /** Starts its time and CPU anew. */
  restart(): Promise<void>;
  readonly report: Promise<ChildReport>;
}

function tell(child: ChildProcess, message: ToChild): void {
  child.send(message, (error) => {
    if (error !== null) child.kill('SIGKILL');
  });
}

/** Calls `stalled` when `touch` was not called for a while. */
function stallTimer(stalled: () => void): { touch(): void; end(): void } {
  let timer = setTimeout(stalled, STALL_MS);
  return {
    touch() {
      clearTimeout(timer);
      timer = setTimeout(stalled, STALL_MS);
    },
    end: () => clearTimeout(timer),
  };
}

export function startContender(task: ChildTask, childFile: URL, progress: Progress): ContenderProcess {
  // stdout belongs to the tables: what a contender prints goes to stderr
  const child = fork(childFile, { serialization: 'advanced', execArgv: [], stdio: ['ignore', 2, 2, 'ipc'] });
  let last = 0;
  let killer: NodeJS.Timeout | undefined;
  const stall = stallTimer(() => {
    tell(child, { kind: 'giveUp' });
    killer = setTimeout(() => child.kill('SIGKILL'), GIVE_UP_MS);
  });
  const seen = new Map<FromChild['kind'], (message: FromChild) => void>();
  const exited = new Promise<never>((_, reject) => {
    child.once('error', reject);
    child.once('exit', (code, signal) => {
      stall.end();
      clearTimeout(killer);
      reject(new Error(`the contender ${task.module} ended without a report (${signal ?? `exit code ${code}`})`));
    });
  });
  exited.catch(() => {}); // raced with below; after the report an exit is what is expected
  const next = <K extends FromChild['kind']>(kind: K): Promise<Extract<FromChild, { kind: K }>> =>
    Promise.race([
      new Promise<Extract<FromChild, { kind: K }>>((resolve) => {
        seen.set(kind, (message) => resolve(message as Extract<FromChild, { kind: K }>));
      }),
      exited,
    ]);
  const loaded = next('loaded').then(() => {});
  loaded.catch(() => {}); // `report` rejects with the same reason
  const ready = next('ready').then(() => {});
  const report = next('report').then((message) => {
    child.disconnect();
    return message.report;
  });
  ready.catch(() => {}); // `report` rejects with the same reason
  child.on('message', (message: FromChild) => {
    if (message.kind === 'acked') {
      progress.update(message.count, task.job.messages);
      if (message.count > last) stall.touch();
      last = message.count;
    } else seen.get(message.kind)?.(message);
  });
  tell(child, { kind: 'run', task });
  return {
    ready,
    loaded,
    go: () => tell(child, { kind: 'go' }),
    finish: () => tell(child, { kind: 'giveUp' }),
    report,
    async restart() {
      const restarted = next('restarted');
      tell(child, { kind: 'restart' });
      await restarted;
    },
  };
}
