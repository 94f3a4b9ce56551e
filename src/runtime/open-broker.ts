import { AMQP_DEFAULTS, type AmqpBrokerOptions, type AmqpTlsOptions } from '../broker/amqp/amqp-options.ts';
import type { Broker } from '../broker/broker.ts';
import type { TlsSettings } from '../config/options.ts';
import type { ResolvedBroker } from '../config/resolve-options.ts';
import { logBroker } from '../telemetry/broker-log.ts';
import type { Logger } from '../telemetry/logger.ts';

/** The adapter for the broker that the options name, not started yet. RabbitMQ's is loaded only where it is used. */
export async function openBroker(broker: ResolvedBroker, logger: Logger): Promise<Broker> {
  if (broker.kind === 'instance') return broker.broker;
  const { AmqpBroker } = await import('../broker/amqp/amqp-broker.ts');
  return new AmqpBroker(amqpOptions(broker), logBroker(logger));
}

/** What the adapter is told. */
export function amqpOptions(broker: Extract<ResolvedBroker, { kind: 'amqp' }>): AmqpBrokerOptions {
  const { urls, tls, heartbeatMs, connectTimeoutMs, connectionName } = broker;
  return {
    ...AMQP_DEFAULTS,
    urls,
    ...(tls === undefined ? {} : { tls: tlsOptions(tls) }),
    heartbeatSeconds: Math.round(heartbeatMs / 1000),
    connectTimeoutMs,
    connectionName,
  };
}

function tlsOptions({ ca, cert, key, passphrase, serverName, verify }: TlsSettings): AmqpTlsOptions {
  const pem = (text: string | Uint8Array): string | Buffer => (typeof text === 'string' ? text : Buffer.from(text));
  return {
    ...(ca === undefined ? {} : { ca: pem(ca) }),
    ...(cert === undefined ? {} : { cert: pem(cert) }),
    ...(key === undefined ? {} : { key: pem(key) }),
    ...(passphrase === undefined ? {} : { passphrase }),
    ...(serverName === undefined ? {} : { servername: serverName }),
    ...(verify === undefined ? {} : { rejectUnauthorized: verify }),
  };
}
