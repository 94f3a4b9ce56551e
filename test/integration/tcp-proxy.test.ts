import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createConnection, createServer, type Server, type Socket } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { TcpProxy } from '../support/tcp-proxy.ts';

/** What the fault tests stand on must itself be right. Needs no server but its own. */
describe('the TCP proxy', () => {
  let echo: Server;
  let target: string;
  const sockets = new Set<Socket>();

  before(async () => {
    echo = createServer((socket) => {
      sockets.add(socket);
      socket.on('error', () => socket.destroy());
      socket.on('close', () => sockets.delete(socket));
      socket.pipe(socket);
    });
    echo.listen(0, '127.0.0.1');
    await once(echo, 'listening');
    const address = echo.address();
    assert.ok(typeof address === 'object' && address !== null);
    target = `127.0.0.1:${address.port}`;
  });

  after(() => {
    for (const socket of sockets) socket.destroy();
    echo.close();
  });

  async function connect(proxy: TcpProxy): Promise<Socket> {
    const socket = createConnection(proxy.port, '127.0.0.1');
    await once(socket, 'connect');
    return socket;
  }

  async function read(socket: Socket, bytes: number): Promise<Buffer> {
    const chunks: Buffer[] = [];
    let length = 0;
    while (length < bytes) {
      const [chunk] = (await once(socket, 'data')) as [Buffer];
      chunks.push(chunk);
      length += chunk.length;
    }
    return Buffer.concat(chunks);
  }

  /** Whatever happens to it, in one word. */
  async function fateOf(socket: Socket): Promise<string> {
    return new Promise((resolve) => {
      socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
      socket.once('close', () => resolve('closed'));
    });
  }

  test('passes bytes on in both directions and counts them', async (context) => {
    const proxy = await TcpProxy.start(target);
    context.after(() => proxy.stop());
    const socket = await connect(proxy);
    const bytes = Buffer.alloc(300_000, 'abc');
    socket.write(bytes);
    assert.deepEqual(await read(socket, bytes.length), bytes);
    assert.deepEqual([proxy.bytes('to-server'), proxy.bytes('to-client')], [300_000, 300_000]);
    assert.deepEqual([proxy.accepted, proxy.connections], [1, 1]);
    socket.end();
    await fateOf(socket);
    await proxy.until(({ connections }) => connections === 0);
  });

  test('slices and slows bytes without losing their order', async (context) => {
    const proxy = await TcpProxy.start(target);
    context.after(() => proxy.stop());
    const socket = await connect(proxy);
    proxy.slice(3);
    const bytes = Buffer.from(Array.from({ length: 2_000 }, (_, index) => index % 251));
    socket.write(bytes);
    assert.deepEqual(await read(socket, bytes.length), bytes);
    proxy.slice(Infinity);
    proxy.throttle(20_000);
    const started = performance.now();
    socket.write(bytes);
    assert.deepEqual(await read(socket, bytes.length), bytes);
    assert.ok(performance.now() - started > 80);
    socket.destroy();
  });

  test('resets every connection and takes new ones', async (context) => {
    const proxy = await TcpProxy.start(target);
    context.after(() => proxy.stop());
    const [one, two] = [await connect(proxy), await connect(proxy)];
    await proxy.until(({ connections }) => connections === 2);
    proxy.resetAll();
    assert.deepEqual(await Promise.all([fateOf(one), fateOf(two)]), ['ECONNRESET', 'ECONNRESET']);
    const three = await connect(proxy);
    three.write('x');
    assert.equal(String(await read(three, 1)), 'x');
    three.destroy();
  });

  test('cuts a connection after exactly so many bytes', async (context) => {
    const proxy = await TcpProxy.start(target);
    context.after(() => proxy.stop());
    const socket = await connect(proxy);
    proxy.cutAfter('to-client', 5);
    socket.write('0123456789');
    assert.equal(String(await read(socket, 5)), '01234');
    // Node reports the end of the stream where the last bytes and the reset arrive together.
    assert.match(await fateOf(socket), /^(ECONNRESET|closed)$/);
    assert.equal(proxy.bytes('to-client'), 10);
  });

  test('a black hole takes bytes and says nothing; resuming resets what it caught', async (context) => {
    const proxy = await TcpProxy.start(target);
    context.after(() => proxy.stop());
    const socket = await connect(proxy);
    socket.on('data', () => assert.fail('a black hole answers nothing'));
    proxy.blackHole();
    socket.write('lost');
    await proxy.until((seen) => seen.bytes('to-server') === 4);
    await proxy.resume();
    assert.equal(await fateOf(socket), 'ECONNRESET');
  });

  test('a hole in one direction lets the other one through', async (context) => {
    const proxy = await TcpProxy.start(target);
    context.after(() => proxy.stop());
    const socket = await connect(proxy);
    socket.on('data', () => assert.fail('what comes back is swallowed'));
    proxy.blackHole({ direction: 'to-client' });
    socket.write('heard');
    await proxy.until((seen) => seen.bytes('to-client') === 5);
    const seen = Promise.all([...sockets].map((each) => once(each, 'close')));
    socket.end();
    await seen; // the server saw the end, and ended its side
    proxy.resetAll();
    assert.equal(await fateOf(socket), 'ECONNRESET');
  });

  test('a hole for one client leaves the others alone', async (context) => {
    const proxy = await TcpProxy.start(target);
    context.after(() => proxy.stop());
    const [one, other] = [await connect(proxy), await connect(proxy)];
    one.write('I am one');
    other.write('I am not');
    await Promise.all([read(one, 8), read(other, 8)]);
    proxy.blackHole({ named: 'am one' });
    one.on('data', () => assert.fail('it is swallowed'));
    one.write('lost');
    await proxy.until((seen) => seen.bytes('to-server') === 20);
    other.write('fine');
    assert.equal(String(await read(other, 4)), 'fine');
    await proxy.resume();
    assert.equal(await fateOf(one), 'ECONNRESET');
    other.destroy();
  });

  test('refuses connections until it resumes, on the same port', async (context) => {
    const proxy = await TcpProxy.start(target);
    context.after(() => proxy.stop());
    const open = await connect(proxy);
    await proxy.until(({ connections }) => connections === 1);
    await proxy.stopAccepting();
    assert.equal(await fateOf(createConnection(proxy.port, '127.0.0.1')), 'ECONNREFUSED');
    open.write('still');
    assert.equal(String(await read(open, 5)), 'still');
    await proxy.resume();
    const again = await connect(proxy);
    for (const socket of [open, again]) socket.destroy();
  });
});
