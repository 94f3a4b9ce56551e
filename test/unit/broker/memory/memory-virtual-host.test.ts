import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { decodeProperties, type MessageProperties } from '../../../../src/batch/message-properties.ts';
import { createMemoryVirtualHost, type MemoryVirtualHost } from '../../../../src/broker/memory/memory-virtual-host.ts';
import type { StoredMessage } from '../../../../src/broker/memory/stored-message.ts';

/** The messages that lie in a queue. */
async function held(host: MemoryVirtualHost, queue: string): Promise<readonly StoredMessage[]> {
  const taken: StoredMessage[] = [];
  const taker = { hasCredit: () => true, push: (message: StoredMessage) => taken.push(message), pushEnded: () => {} };
  host.queue(queue).subscribe(taker);
  while (host.queue(queue).length > 0) await new Promise(setImmediate);
  host.queue(queue).unsubscribe(taker);
  return taken;
}

function publish(
  host: MemoryVirtualHost,
  exchange: string,
  routingKey: string,
  properties: MessageProperties = {},
): string {
  return host.publish({ exchange, routingKey, properties, body: Buffer.from('x') });
}

/** A queue `wait` whose messages expire at once into `after`. */
function waitingHost(life: number): MemoryVirtualHost {
  const host = createMemoryVirtualHost();
  host.declare({
    exchanges: [{ name: 'out', type: 'fanout' }],
    queues: [
      { name: 'wait', arguments: { 'x-message-ttl': life, 'x-dead-letter-exchange': 'out' } },
      { name: 'after', arguments: {} },
    ],
    bindings: [{ exchange: 'out', queue: 'after', routingKey: '' }],
  });
  return host;
}

describe('MemoryVirtualHost', () => {
  test('exchanges bound in a circle route each message once', async () => {
    const host = createMemoryVirtualHost();
    host.declare({
      exchanges: [
        { name: 'a', type: 'fanout' },
        { name: 'b', type: 'fanout' },
      ],
      queues: [{ name: 'q', arguments: {} }],
      bindings: [
        { exchange: 'a', queue: 'q', routingKey: '' },
        { exchange: 'b', queue: 'q', routingKey: '' },
      ],
      exchangeBindings: [
        { source: 'a', destination: 'b', routingKey: '' },
        { source: 'b', destination: 'a', routingKey: '' },
      ],
    });
    assert.equal(publish(host, 'a', 'k'), 'stored');
    assert.equal((await held(host, 'q')).length, 1);
  });

  test('a message that comes back to the queue it expired in is dropped, as RabbitMQ does', async (context) => {
    context.mock.timers.enable({ apis: ['setTimeout'] });
    const host = waitingHost(0);
    host.attach(context);
    assert.equal(publish(host, '', 'wait'), 'stored');
    context.mock.timers.tick(1);
    const [letter] = await held(host, 'after');
    const { headers } = decodeProperties(letter?.source as Buffer, 0, letter?.propertiesEnd as number);
    host.declare({ exchanges: [], queues: [], bindings: [{ exchange: 'out', queue: 'wait', routingKey: '' }] });
    publish(host, '', 'wait', { headers: headers as NonNullable<typeof headers> });
    context.mock.timers.tick(1);
    context.mock.timers.tick(1);
    assert.equal(host.queue('wait').length, 0);
    assert.equal((await held(host, 'after')).length, 1);
    host.detach(context);
  });

  test('a message whose cycle has a rejection in it goes round', async () => {
    const host = waitingHost(1000);
    host.declare({ exchanges: [], queues: [], bindings: [{ exchange: 'out', queue: 'wait', routingKey: '' }] });
    const death = (queue: string, reason: string): object => ({ queue, reason, count: 1 });
    publish(host, 'out', '', { headers: { 'x-death': [death('work', 'rejected'), death('wait', 'expired')] } });
    assert.equal(host.queue('wait').length, 1);
    const [message] = await held(host, 'wait');
    host.queue('wait').kill(message as StoredMessage, 'expired');
    assert.equal(host.queue('wait').length, 0, 'the latest death is its own: a cycle without rejection');
    host.declare({
      exchanges: [],
      queues: [{ name: 'work', arguments: { 'x-dead-letter-exchange': 'out' } }],
      bindings: [],
    });
    host.queue('work').kill(message as StoredMessage, 'rejected');
    assert.equal(host.queue('wait').length, 1);
  });

  test('time goes on while any connection is there, and the last one to leave stops it', (context) => {
    context.mock.timers.enable({ apis: ['setTimeout'] });
    const host = waitingHost(0);
    const [one, other] = [{}, {}];
    host.attach(one);
    host.attach(other);
    host.detach(one);
    publish(host, '', 'wait');
    context.mock.timers.tick(1);
    assert.equal(host.queue('after').length, 1);
    publish(host, '', 'wait');
    host.detach(other);
    context.mock.timers.tick(10);
    assert.equal(host.queue('wait').length, 1);
    host.attach(one);
    context.mock.timers.tick(1);
    assert.equal(host.queue('after').length, 2);
    host.detach(one);
  });

  test('a deleted queue lets go of its timer', (context) => {
    context.mock.timers.enable({ apis: ['setTimeout'] });
    const host = waitingHost(50);
    host.attach(context);
    publish(host, '', 'wait');
    host.deleteQueue('wait');
    context.mock.timers.tick(1000);
    assert.equal(host.queue('after').length, 0);
  });
});
