import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { isAlive, startOf } from '../../../../scripts/services/process-identity.ts';
import { type LedgerEntry, ServerLedger } from '../../../../scripts/services/server-ledger.ts';

describe('the ledger of servers that we started', () => {
  let folder: string;
  let ledger: ServerLedger;
  let server: ChildProcess & { pid: number };
  let data: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'millrace-ledger-test-'));
    data = mkdtempSync(join(tmpdir(), 'millrace-ledger-data-'));
    ledger = new ServerLedger(folder);
    server = startServer();
  });

  afterEach(() => {
    server.kill('SIGKILL');
    for (const each of [folder, data]) rmSync(each, { recursive: true, force: true });
  });

  const entry = (): Omit<LedgerEntry, 'owner' | 'start'> => ({
    kind: 'mongodb',
    pid: server.pid,
    folder: data,
    url: 'mongodb://127.0.0.1:1/',
    label: 'a server',
  });

  /** Rewrites the entry as if another process had made it. */
  const change = (part: Partial<LedgerEntry>): void => {
    const path = join(folder, `${server.pid}.json`);
    writeFileSync(path, JSON.stringify({ ...(JSON.parse(readFileSync(path, 'utf8')) as LedgerEntry), ...part }));
  };

  test('a server whose owner lives is left alone', () => {
    ledger.record(entry(), false);
    assert.deepEqual(ledger.sweep(), []);
    assert.equal(ledger.running().length, 1);
    assert.ok(isAlive(server.pid, startOf(server.pid)));
  });

  test('a server whose owner is gone is killed and its folder removed', async () => {
    const ended = once(server, 'exit');
    ledger.record(entry(), false);
    change({ owner: { pid: process.pid, start: 'another process had this pid' } });
    assert.equal(ledger.sweep().length, 1);
    await ended;
    assert.equal(existsSync(data), false);
    assert.deepEqual(readdirSync(folder), []);
  });

  test('a server that outlives its starter stays until it is destroyed', async () => {
    const ended = once(server, 'exit');
    const recorded = ledger.record(entry(), true);
    assert.equal(recorded.owner, null);
    assert.deepEqual(ledger.sweep(), []);
    ledger.destroy(recorded);
    await ended;
    assert.deepEqual(ledger.running(), []);
  });

  test('a process that got the pid of a dead server is never killed', () => {
    ledger.record(entry(), false);
    change({ start: 'when the dead server started', owner: { pid: process.pid, start: 'gone' } });
    assert.deepEqual(ledger.sweep(), []);
    assert.ok(isAlive(server.pid, startOf(server.pid)));
    assert.deepEqual(readdirSync(folder), [], 'the entry of the dead server is taken away');
  });
});

/** Something in a process group of its own that lives until it is killed. */
function startServer(): ChildProcess & { pid: number } {
  const child = spawn(process.execPath, ['-e', 'setInterval(() => undefined, 1000)'], {
    detached: true,
    stdio: 'ignore',
  });
  assert.ok(child.pid !== undefined);
  return child as ChildProcess & { pid: number };
}
