import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { test } from 'node:test';
import { findPort, findPorts } from '../../../../scripts/services/find-port.ts';

test('the preferred port is given when it is free', async () => {
  const port = await findPort();
  assert.equal(await findPort(port), port);
});

test('another port is given when the preferred one is taken', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const found = await findPort(port);
  server.close();
  assert.notEqual(found, port);
  assert.ok(found > 0);
});

test('several ports are all different', async () => {
  const ports = await findPorts(5);
  assert.equal(new Set(ports).size, 5);
});
