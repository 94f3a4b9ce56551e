import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { isAlive, startOf } from './process-identity.ts';

export type ServerKind = 'rabbitmq' | 'mongodb' | 'redis';

/** One server that we started. */
export interface LedgerEntry {
  readonly kind: ServerKind;
  /** Leader of the server's process group: a signal to the group reaches all its processes. */
  readonly pid: number;
  readonly start: string;
  /** Its private folder, removed with it. */
  readonly folder: string;
  /** The process that the server ends with; null for one of `npm run services up`, which ends by `down`. */
  readonly owner: { readonly pid: number; readonly start: string } | null;
  readonly url: string;
  readonly managementUrl?: string;
  readonly label: string;
  /** Port of the Erlang port mapper that came with the node; it is a daemon of its own. */
  readonly portMapperPort?: number;
}

/**
 * Knows every server that we started on this machine, so that none outlives its owner.
 *
 *     recorded ──(owner stops it)──────────────────────────► forgotten
 *        ├──────(owner ends: exit, Ctrl-C, exception)──────► killed by the owner's exit hook
 *        └──────(owner was killed with SIGKILL)────────────► killed by the next run: `sweep`
 *
 * An entry is a small file in the system's folder for temporary files, named after the server's pid. A process is
 * killed only when both its pid and its start time are those recorded. Cost: one small file a server.
 */
export class ServerLedger {
  readonly #folder: string;
  readonly #own = new Map<number, LedgerEntry>();
  #hooked = false;

  constructor(folder: string = join(tmpdir(), `millrace-services-${userInfo().uid}`)) {
    this.#folder = folder;
  }

  /** @param outlives - true for a server that stays up after this process */
  record(entry: Omit<LedgerEntry, 'owner' | 'start'>, outlives: boolean): LedgerEntry {
    const owner = outlives ? null : { pid: process.pid, start: startOf(process.pid) };
    const full: LedgerEntry = { ...entry, start: startOf(entry.pid), owner };
    mkdirSync(this.#folder, { recursive: true, mode: 0o700 });
    const path = this.#path(entry.pid);
    writeFileSync(`${path}.new`, JSON.stringify(full, null, 2), { mode: 0o600 });
    renameSync(`${path}.new`, path); // another process never reads half an entry
    if (!outlives) {
      this.#own.set(entry.pid, full);
      this.#hookExit();
    }
    return full;
  }

  forget(pid: number): void {
    this.#own.delete(pid);
    rmSync(this.#path(pid), { force: true });
  }

  /** All servers on record that still run. */
  running(): LedgerEntry[] {
    return this.#entries().filter((entry) => isAlive(entry.pid, entry.start));
  }

  /** Kills servers whose owner is gone and removes what dead servers left; returns what it killed. */
  sweep(): LedgerEntry[] {
    const killed: LedgerEntry[] = [];
    for (const entry of this.#entries()) {
      const alive = isAlive(entry.pid, entry.start);
      const owned = entry.owner === null || isAlive(entry.owner.pid, entry.owner.start);
      if (alive && owned) continue;
      if (!alive && owned && entry.owner !== null) continue; // its owner may be about to start it again
      if (alive) killed.push(entry);
      this.destroy(entry);
    }
    return killed;
  }

  /** Kills a server with SIGKILL, at once and synchronously, and removes its folder. */
  destroy(entry: LedgerEntry): void {
    if (isAlive(entry.pid, entry.start)) killGroup(entry.pid, 'SIGKILL');
    if (entry.portMapperPort !== undefined) stopPortMapper(entry.portMapperPort);
    rmSync(entry.folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 });
    this.forget(entry.pid);
  }

  #path(pid: number): string {
    return join(this.#folder, `${pid}.json`);
  }

  #entries(): LedgerEntry[] {
    let names: string[];
    try {
      names = readdirSync(this.#folder);
    } catch {
      return []; // nothing was ever started here
    }
    const entries: LedgerEntry[] = [];
    for (const name of names.filter((each) => each.endsWith('.json'))) {
      try {
        entries.push(JSON.parse(readFileSync(join(this.#folder, name), 'utf8')) as LedgerEntry);
      } catch {
        // Taken away by its owner between the listing and the reading: no longer on record.
      }
    }
    return entries;
  }

  /**
   * Exit hooks are synchronous, so the servers are killed, not asked: their data is thrown away anyway. Where somebody
   * else listens to the signal too, he decides when the process ends (a worker that drains still needs its servers).
   * Otherwise the signal is sent on to ourselves, so that the exit code still tells what ended the process.
   */
  #hookExit(): void {
    if (this.#hooked) return;
    this.#hooked = true;
    const destroyAll = (): void => {
      const entries = [...this.#own.values()];
      // All of them before any is tidied up: whoever ends us may not leave us the time for that.
      for (const { pid, start } of entries) if (isAlive(pid, start)) killGroup(pid, 'SIGKILL');
      for (const entry of entries) this.destroy(entry);
    };
    process.once('exit', destroyAll);
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
      process.once(signal, () => {
        if (process.listenerCount(signal) > 0) return;
        destroyAll();
        process.kill(process.pid, signal);
      });
    }
  }
}

/** Stops the port mapper (epmd) on this port: a daemon that the first Erlang node starts and that no node stops. */
export function stopPortMapper(port: number): void {
  spawnSync('epmd', ['-port', String(port), '-kill'], { stdio: 'ignore', timeout: 3000 });
}

/** Sends a signal to a process group; a group that is gone already is fine. */
export function killGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

export const serverLedger: ServerLedger = new ServerLedger();
