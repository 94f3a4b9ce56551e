/** A contender that is a program of its own, in C or in Python: starts it and takes what it reports. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { ForeignReport, RunningContender } from './contender.ts';

type Arguments = readonly (string | number)[];

/** @param name - as harness/native.ts builds it */
export function startNative(name: string, args: Arguments): Promise<RunningContender> {
  return startProgram(fileURLToPath(new URL(`./native/${name}`, import.meta.url)), args);
}

/** Its standard input stays open as long as this process is there. Resolves when it prints "ready". It prints "acked N" now and then, and at the end a line of JSON, a ForeignReport. */
export async function startProgram(path: string, args: Arguments): Promise<RunningContender> {
  const program = spawn(path, args.map(String), { stdio: ['pipe', 'pipe', 'inherit'] });
  const lines = createInterface({ input: program.stdout });
  const exited = once(program, 'exit').then(([code, signal]: unknown[]) => {
    throw new Error(`the program ${path} ended without a report (${String(signal ?? code)})`);
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
