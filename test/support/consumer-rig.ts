import type { TestContext } from 'node:test';
import { AmqpConsumer } from '../../src/broker/amqp/amqp-consumer.ts';
import { AMQP_DEFAULTS, type AmqpBrokerOptions } from '../../src/broker/amqp/amqp-options.ts';
import { Backoff } from '../../src/broker/amqp/reconnect.ts';
import { ReconnectingConnection } from '../../src/broker/amqp/reconnecting-connection.ts';
import { FakeAmqpPeer, type PeerConnection, type PeerScript } from './fake-amqp-peer.ts';
import { RecordingSink } from './recording-sink.ts';

/** Fast enough that no test waits long for a new connection. */
export const RECONNECT = { minMs: 1, maxMs: 20 };

/** A consumer over a connection of ours to a scripted peer, and what was told of it. */
export interface ConsumerRig {
  readonly peer: FakeAmqpPeer;
  readonly link: ReconnectingConnection;
  readonly consumer: AmqpConsumer;
  readonly sink: RecordingSink;
  readonly told: string[];
  /** Starts both; resolves when the first epoch is open. */
  open(): Promise<PeerConnection>;
}

export async function makeConsumerRig(
  context: TestContext,
  script: PeerScript = {},
  options: Partial<AmqpBrokerOptions> = {},
): Promise<ConsumerRig> {
  const peer = await FakeAmqpPeer.start(script);
  const resolved = { ...AMQP_DEFAULTS, urls: [peer.url], reconnect: RECONNECT, ...options };
  const sink = new RecordingSink();
  const told: string[] = [];
  const listener = {
    connected: (server: string) => void told.push(`connected ${server}`),
    lost: (error: { code: string }) => void told.push(`lost ${error.code}`),
    blocked: (reason: string) => void told.push(`blocked ${reason}`),
    unblocked: () => void told.push('unblocked'),
    consumerWaiting: (queue: string, error: { code: string }) => void told.push(`${queue} waits ${error.code}`),
  };
  const parts = { sink, backoff: new Backoff(RECONNECT), listener, closed: () => void told.push('closed') };
  const consumer = new AmqpConsumer({ queue: 'calls', prefetch: 7 }, parts);
  const link = new ReconnectingConnection(resolved, listener, {
    connected: (connection) => consumer.connected(connection),
    disconnected: () => consumer.disconnected(),
  });
  context.after(async () => {
    await link.stop();
    await consumer.close();
    await peer.stop();
  });
  const open = async (): Promise<PeerConnection> => {
    const opened = consumer.start();
    await link.start();
    await opened;
    return peer.connection(0);
  };
  return { peer, link, consumer, sink, told, open };
}
