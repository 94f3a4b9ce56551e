import type { BrokerListener } from '../broker/broker.ts';
import type { Logger } from './logger.ts';

/** Writes what happens to the connection as log lines. Losses of the connection are warnings, because the adapter recovers from them by itself. */
export function logBroker(logger: Logger): BrokerListener {
  return {
    connected: (server, host) => logger.info({ server, host }, 'connected to the broker'),
    lost: (error, retryInMs) =>
      logger.warn({ code: error.code, reason: error.message, retryInMs }, 'lost the broker, trying again'),
    blocked: (reason) => logger.warn({ reason }, 'the broker blocks publishing'),
    unblocked: () => logger.info({}, 'the broker takes messages again'),
    consumerWaiting: (queue, error, retryInMs) =>
      logger.warn(
        { queue, code: error.code, reason: error.message, retryInMs },
        'cannot consume a queue, trying again',
      ),
  };
}
