import { after } from 'node:test';
import { Connection } from 'rabbitmq-client';
import { AmqpBroker } from '../../src/broker/amqp/amqp-broker.ts';
import { AMQP_DEFAULTS, type AmqpBrokerOptions } from '../../src/broker/amqp/amqp-options.ts';
import type { Broker } from '../../src/broker/broker.ts';
import { amqpUrl, needs } from '../support/servers.ts';
import { TcpProxy } from '../support/tcp-proxy.ts';
import type { BrokerRig } from './broker-rig.ts';
import { exerciseBroker } from './exercise-broker.ts';
import { exerciseDeadLetters } from './exercise-dead-letters.ts';
import { exerciseService } from './exercise-service.ts';

const options = needs(amqpUrl);
const url = amqpUrl ?? 'amqp://localhost';
const { host, port } = new URL(url);

/** Fast enough that no test waits long for a new connection. */
const fast: Omit<AmqpBrokerOptions, 'urls'> = {
  ...AMQP_DEFAULTS,
  reconnect: { minMs: 5, maxMs: 100 },
  connectionName: 'contract',
};

/** What an operator does, on a connection of its own. */
let operator: Connection | undefined;
function operate(): Connection {
  operator ??= new Connection(url);
  return operator;
}
after(() => operator?.close());

/** Every broker goes through a proxy of its own, which can cut it off. */
async function amqpRig(): Promise<BrokerRig> {
  const proxies = new Map<Broker, TcpProxy>();
  return {
    make: async (listener) => {
      const proxy = await TcpProxy.start(port === '' ? `${host}:5672` : host);
      const proxied = new URL(url);
      proxied.host = proxy.address;
      const broker = new AmqpBroker({ ...fast, urls: [proxied.href] }, listener);
      proxies.set(broker, proxy);
      return broker;
    },
    breakConnection: (broker) => proxies.get(broker)?.resetAll(),
    deleteQueue: async (queue) => {
      await operate().queueDelete({ queue });
    },
    blocking: undefined,
    dispose: async (queues, exchanges) => {
      for (const queue of queues) await operate().queueDelete({ queue });
      for (const exchange of exchanges)
        if (exchange.startsWith('contract.')) await operate().exchangeDelete({ exchange });
      await Promise.all([...proxies.values()].map((proxy) => proxy.stop()));
    },
  };
}

exerciseBroker('AmqpBroker', amqpRig, options);
exerciseDeadLetters('AmqpBroker', amqpRig, options);
exerciseService('AmqpBroker', () => new AmqpBroker({ ...fast, urls: [url] }), options);
