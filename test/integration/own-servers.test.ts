import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { type Collection, MongoClient } from 'mongodb';
import { type Channel, Connection } from 'rabbitmq-client';
import { MongoServer } from '../../scripts/services/mongo-server.ts';
import { isAlive, startOf } from '../../scripts/services/process-identity.ts';
import { RabbitServer } from '../../scripts/services/rabbitmq-server.ts';
import { serverLedger } from '../../scripts/services/server-ledger.ts';
import { needsOwn } from '../support/servers.ts';

test('a RabbitMQ node of our own keeps its URL and its messages over a restart', needsOwn('rabbitmq'), async () => {
  const server = await RabbitServer.start();
  try {
    const { amqpUrl } = server;
    const queue = { queue: 'kept', durable: true, arguments: { 'x-queue-type': 'quorum' } } as const;
    await withChannel(amqpUrl, async (channel) => {
      await channel.queueDeclare(queue);
      await channel.confirmSelect();
      await channel.basicPublish({ routingKey: 'kept', durable: true }, 'message');
    });
    await server.restart();
    assert.equal(server.amqpUrl, amqpUrl);
    await withChannel(amqpUrl, async (channel) => {
      const message = await channel.basicGet({ queue: 'kept', noAck: true });
      assert.equal(String(message?.body), 'message');
    });
  } finally {
    await server.remove();
  }
});

test('a MongoDB of our own has what it acknowledged after it was killed', needsOwn('mongodb'), async () => {
  const server = await MongoServer.start();
  try {
    await withCollection(server.url, async (documents) => {
      await documents.insertMany(Array.from({ length: 100 }, (_, n) => ({ n })));
    });
    await server.kill();
    await server.start();
    await withCollection(server.url, async (documents) => {
      assert.equal(await documents.countDocuments(), 100);
    });
  } finally {
    await server.remove();
  }
});

test(
  'a MongoDB of our own that was killed at the first writes to its collections takes writes to all of them',
  needsOwn('mongodb'),
  async () => {
    const server = await MongoServer.start();
    const names = Array.from({ length: 40 }, (_, n) => `first-${n}`);
    const writeTo = async (client: MongoClient, name: string): Promise<unknown> =>
      client.db().collection(name).insertOne({});
    try {
      const first = new MongoClient(server.url, { serverSelectionTimeoutMS: 1000, retryWrites: false });
      await first.connect();
      const writes = names.map((name) => writeTo(first, name));
      await Promise.race(writes); // the others are under way
      await server.kill();
      await Promise.allSettled(writes);
      await first.close();
      await server.start();
      const second = new MongoClient(server.url);
      try {
        for (const name of names) await writeTo(second, name);
      } finally {
        await second.close();
      }
    } finally {
      await server.remove();
    }
  },
);

test('a frozen server answers nothing until it is thawed', needsOwn('mongodb'), async () => {
  const server = await MongoServer.start();
  const ping = async (): Promise<void> => {
    const client = new MongoClient(server.url, { serverSelectionTimeoutMS: 1000, retryReads: false });
    try {
      await client.db('admin').command({ ping: 1 });
    } finally {
      await client.close();
    }
  };
  try {
    await ping();
    server.freeze();
    await assert.rejects(ping(), { name: 'MongoServerSelectionError' });
    server.thaw();
    await ping();
  } finally {
    await server.remove();
  }
});

test('a server of a process that is killed is stopped by the next search', needsOwn('mongodb'), async () => {
  const module = pathToFileURL(fileURLToPath(new URL('../../scripts/services/mongo-server.ts', import.meta.url))).href;
  const script = `const { MongoServer } = await import(${JSON.stringify(module)});
    const server = await MongoServer.start();
    console.log(server.url);
    setInterval(() => undefined, 1000);`;
  const owner = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', script]);
  const url = await new Promise<string>((resolve, reject) => {
    owner.stdout.setEncoding('utf8').once('data', (text: string) => resolve(text.trim()));
    owner.once('exit', () => reject(new Error('the owner ended before its server was up')));
  });
  const entry = serverLedger.running().find((each) => each.url === url);
  assert.ok(entry !== undefined);
  await new Promise((resolve) => {
    owner.once('exit', resolve);
    owner.kill('SIGKILL');
  });
  assert.ok(isAlive(entry.pid, startOf(entry.pid)), 'the server outlives its killed owner');
  assert.ok(serverLedger.sweep().some((each) => each.pid === entry.pid));
  assert.equal(existsSync(entry.folder), false);
  assert.equal(
    serverLedger.running().some((each) => each.pid === entry.pid),
    false,
  );
});

async function withChannel(url: string, work: (channel: Channel) => Promise<void>): Promise<void> {
  const connection = new Connection(url);
  try {
    const channel = await connection.acquire();
    await work(channel);
    await channel.close();
  } finally {
    await connection.close();
  }
}

async function withCollection(url: string, work: (documents: Collection) => Promise<void>): Promise<void> {
  const client = new MongoClient(url);
  try {
    await work(client.db('own').collection('documents'));
  } finally {
    await client.close();
  }
}
