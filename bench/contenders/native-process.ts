/** A contender that is a program in C (native/): starts it and takes what it reports. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { ForeignReport, RunningContender } from './contender.ts';

/**
 * Resolves when it prints "ready"; then it begins. It prints "acked N" now and then, and at the end a line of JSON.
 * @param name - as harness/native.ts builds it
 */
export async function startNative(name: string, args: readonly (string | number)[]): Promise<RunningContender> {
  const path = fileURLToPath(new URL(`./native/${name}`, import.meta.url));
  const program = spawn(path, args.map(String), { stdio: ['ignore', 'pipe', 'inherit'] });
  const lines = createInterface({ input: program.stdout });
  const exited = once(program, 'exit').then(([code, signal]: unknown[]) => {
    throw new Error(`the program ${name} ended without a report (${String(signal ?? code)})`);
  });
  let acked = 0;
  let ended = false;
  const ready = new Promise<void>((resolve) => {
    lines.on('line', (line) => line === 'ready' && resolve());
  });
  const report = new Promise<ForeignReport>((resolve) => {
    lines.on('line', (line) => {
      if (line.startsWith('acked ')) acked = Number(line.slice('acked '.length));
      else if (line.startsWith('{')) {
        ended = true;
        resolve(JSON.parse(line) as ForeignReport);
      }
    });
  });
  const reported = Promise.race([report, exited]);
  reported.catch(() => {}); // the harness waits for it; until then an early exit is told by `ready`
  await Promise.race([ready, exited]);
  return {
    foreign: { acked: () => acked, report: reported },
    latency: () => undefined,
    async stop() {
      if (!ended) program.kill();
      if (program.exitCode === null && program.signalCode === null) await once(program, 'exit');
    },
  };
}
