/** Messages that can never succeed, each kind many times at random places among good ones. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { MessageProperties } from '../../src/batch/message-properties.ts';
import { AmqpBroker } from '../../src/broker/amqp/amqp-broker.ts';
import { AMQP_DEFAULTS } from '../../src/broker/amqp/amqp-options.ts';
import { uuidV7 } from '../../src/support/uuid-v7.ts';
import { faultRandom } from '../support/fault-seed.ts';
import { ProcessJob } from '../support/process-job.ts';
import { amqpUrl, mongoUrl, needs } from '../support/servers.ts';

const GOOD = 3_000;
const OF_EACH = 10;

interface Poison {
  readonly type?: string;
  readonly contentType?: string;
  readonly body: string;
  /** What its dead letter must say. */
  readonly code: string;
  readonly attempts: number;
}

const POISON: Readonly<Record<string, Poison>> = {
  'always throws': { type: 'throwing', body: '{}', code: 'E_TASK_FAILED', attempts: 2 },
  'crashes its thread': { type: 'exiting', body: '{}', code: 'E_TASK_CRASHED', attempts: 2 },
  'is no JSON': { type: 'store', body: '{"n": ', code: 'E_BODY_UNDECODABLE', attempts: 1 },
  'has an empty body': { type: 'store', body: '', code: 'E_BODY_UNDECODABLE', attempts: 1 },
  'has a content type nobody knows': {
    type: 'store',
    contentType: 'application/x-unknown',
    body: 'x',
    code: 'E_BODY_UNDECODABLE',
    attempts: 1,
  },
  'names an unknown task': { type: 'nobody-knows', body: '{}', code: 'E_TASK_UNKNOWN', attempts: 1 },
  'names no task': { body: '{}', code: 'E_TASK_UNKNOWN', attempts: 1 },
};

test(
  'poison of every kind among good messages: each has exactly one dead letter with its reason, the good ones are stored',
  needs(amqpUrl, mongoUrl),
  async (t) => {
    const random = faultRandom(t);
    const job = await ProcessJob.open(t, { broker: amqpUrl as string, store: mongoUrl as string });
    const broker = new AmqpBroker({ ...AMQP_DEFAULTS, urls: [job.broker] });
    await broker.start();
    t.after(() => broker.stop());
    const publisher = await broker.publisher({ window: 100 });
    const kinds = new Map<string, string>();
    const publish = async (kind: string): Promise<void> => {
      const { type, contentType = 'application/json', body } = POISON[kind] as Poison;
      const messageId = uuidV7();
      const properties: MessageProperties = { messageId, contentType, deliveryMode: 2 };
      if (type !== undefined) properties.type = type;
      await publisher.publish({ exchange: '', routingKey: job.queue, properties, body: Buffer.from(body) });
      kinds.set(messageId, kind);
      job.confirmed.push(messageId);
    };

    const order = Object.keys(POISON).flatMap((kind) => new Array<string>(OF_EACH).fill(kind));
    let sent = 0;
    for (const mark of random.marks(order.length, 1, GOOD)) {
      await job.sendNumbered('store', mark - sent);
      await publish(order.splice(random.integer(0, order.length), 1)[0] as string);
      sent = mark;
    }
    await job.sendNumbered('store', GOOD - sent);

    const worker = await job.worker({ threads: 2, unknownTasks: { wait: '100ms', limit: 2 } });
    await job.untilEnded();
    assert.equal(worker.stats?.exits, OF_EACH * 2, 'the crashing ones have crashed');
    const { stored, deadLettered } = await job.close();
    assert.equal(stored.length, GOOD);
    assert.deepEqual(new Set(deadLettered), new Set(kinds.keys()));
    for (const { properties } of await job.deadLetters()) {
      const kind = kinds.get(properties.messageId as string) as string;
      const { code, attempts } = POISON[kind] as Poison;
      const headers = properties.headers ?? {};
      const got = [headers['x-error-code'], headers['x-attempt'], headers['x-queue']];
      assert.deepEqual(got, [code, attempts, job.queue], kind);
    }
  },
);
