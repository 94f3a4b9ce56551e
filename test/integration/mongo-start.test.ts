import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { test } from 'node:test';
import type { ErrorCode } from '../../src/errors/codes.ts';
import { isRuntimeError } from '../../src/errors/runtime-error.ts';
import { MongoStore } from '../../src/store/mongo/mongo-store.ts';
import { mongoUrl, needs } from '../support/servers.ts';

/** Starts, fails as said, in one line without a secret, and leaves the store as it was: stoppable, nothing open. */
async function assertStartFails(url: string, code: ErrorCode, message: RegExp): Promise<void> {
  const store = new MongoStore({ url, pingTimeoutMs: 400 });
  const started = performance.now();
  await assert.rejects(store.start(), (error) => {
    assert.ok(isRuntimeError(error, code), String(error));
    assert.match(error.message, message);
    assert.doesNotMatch(error.message, /\n|hunter2/);
    return true;
  });
  assert.ok(performance.now() - started < 3_000);
  assert.equal(store.health().state, 'created');
  await store.stop();
}

test('a port where nothing listens fails with E_STORE_UNREACHABLE', async () => {
  const closed = createServer();
  await new Promise<void>((resolve) => closed.listen(0, '127.0.0.1', resolve));
  const { port } = closed.address() as { port: number };
  await new Promise((resolve) => closed.close(resolve));
  await assertStartFails(
    `mongodb://me:hunter2@127.0.0.1:${port}/app`,
    'E_STORE_UNREACHABLE',
    /127\.0\.0\.1:\d+\/app cannot be reached: .*ECONNREFUSED/,
  );
});

test('a port where something else is silent fails with E_STORE_UNREACHABLE', async (context) => {
  const silent = createServer((socket) => {
    socket.on('error', () => socket.destroy());
    context.after(() => socket.destroy());
  });
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
  context.after(() => silent.close());
  const { port } = silent.address() as { port: number };
  await assertStartFails(`mongodb://127.0.0.1:${port}`, 'E_STORE_UNREACHABLE', /\/millrace cannot be reached/);
});

test('a host name that does not exist fails with E_STORE_UNREACHABLE', async () => {
  await assertStartFails(
    'mongodb://no-such-host.invalid',
    'E_STORE_UNREACHABLE',
    /no-such-host\.invalid\/millrace cannot be reached: .*(ENOTFOUND|EAI_AGAIN|timed out|no answer)/,
  );
});

test('a URL of something else fails with E_STORE_URL', async () => {
  await assertStartFails(
    'postgres://me:hunter2@localhost',
    'E_STORE_URL',
    /got|\(postgres:\) cannot be read: expected mongodb:\/\//,
  );
});

test('credentials that the server does not know fail with E_STORE_AUTH', needs(mongoUrl), async () => {
  const url = new URL(mongoUrl as string);
  url.username = 'nobody';
  url.password = 'hunter2';
  url.pathname = '/app';
  await assertStartFails(url.href, 'E_STORE_AUTH', /\/app refuses the credentials: .*check user and password/);
});

test('a replica set of another name fails with E_STORE_UNREACHABLE', needs(mongoUrl), async () => {
  const url = new URL(mongoUrl as string);
  url.searchParams.set('replicaSet', 'another');
  url.searchParams.delete('directConnection');
  url.pathname = '/';
  await assertStartFails(url.href, 'E_STORE_UNREACHABLE', /cannot be reached/);
});

test('a store that failed to start can be started again', needs(mongoUrl), async () => {
  const store = new MongoStore({ url: mongoUrl as string, pingTimeoutMs: 5_000 });
  await assert.rejects(store.ping(), (error) => isRuntimeError(error, 'E_STORE_UNREACHABLE'));
  await store.start();
  assert.match(store.health().server ?? '', /^(MongoDB|secantusd-rs) \d+\.\d+/);
  await store.stop();
  await assert.rejects(store.start(), (error) => isRuntimeError(error, 'E_STATE'));
});
