/** Starts the process with the publishers and follows it. */
import { fork } from 'node:child_process';
import { PUBLISHERS_FILE } from './build.ts';
import type { FromPublishers, PublishOrder, PublishReport, ToPublishers } from './publish-order.ts';

export interface PublishersProcess {
  readonly connected: Promise<void>;
  go(): void;
  readonly report: Promise<PublishReport>;
  /** Ends it if it still runs. */
  end(): void;
}

export function startPublishers(order: PublishOrder): PublishersProcess {
  const child = fork(PUBLISHERS_FILE, { serialization: 'advanced', execArgv: [], stdio: ['ignore', 2, 2, 'ipc'] });
  const tell = (message: ToPublishers): void => {
    child.send(message, (error) => {
      if (error !== null) child.kill('SIGKILL');
    });
  };
  const exited = new Promise<never>((_, reject) => {
    child.once('error', reject);
    child.once('exit', (code, signal) =>
      reject(new Error(`the publishers ended early (${signal ?? `exit code ${code}`})`)),
    );
  });
  exited.catch(() => {}); // raced with below; after the report an exit is what is expected
  let onConnected = (): void => {};
  let onReport = (_report: PublishReport): void => {};
  const connected = Promise.race([new Promise<void>((resolve) => (onConnected = resolve)), exited]);
  const report = Promise.race([new Promise<PublishReport>((resolve) => (onReport = resolve)), exited]);
  report.catch(() => {}); // whoever awaits it sees the error; nobody does where the consumer failed first
  child.on('message', (message: FromPublishers) => {
    if (message.kind === 'connected') onConnected();
    else {
      child.disconnect();
      onReport(message.report);
    }
  });
  tell({ kind: 'order', order });
  return { connected, report, go: () => tell({ kind: 'go' }), end: () => void child.kill('SIGKILL') };
}
