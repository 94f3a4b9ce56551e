/** What a sender is told of a message that was not confirmed. */
import { RuntimeError } from '../../errors/runtime-error.ts';
import type { OutgoingMessage } from '../broker.ts';

/** Why a channel ended. */
export interface ChannelEnd {
  /** What the broker closed it with; undefined where the connection went. */
  readonly replyCode: number | undefined;
  readonly said: string;
}

const ACCESS_REFUSED = 403;
const NOT_FOUND = 404;
/** The names that RabbitMQ gives to the default exchange in its errors. */
const DEFAULT_EXCHANGE_NAMES = ['', 'amq.default'];

/** The broker gave it back. */
export function unroutableError(message: OutgoingMessage, said: string): RuntimeError {
  return new RuntimeError(
    'E_PUBLISH_UNROUTABLE',
    `exchange '${message.exchange}' has no queue for routing key '${message.routingKey}' (${said}): declare the queue first`,
    { details: where(message) },
  );
}

export function nackedError(message: OutgoingMessage): RuntimeError {
  const text = `a queue for routing key '${message.routingKey}' refused the message: it is full, or its node is in trouble`;
  return new RuntimeError('E_PUBLISH_NACKED', text, { details: where(message) });
}

/** It was not confirmed when its channel ended, which may have been its own fault. */
export function channelLostError(message: OutgoingMessage, { replyCode, said }: ChannelEnd): RuntimeError {
  const named = /exchange '([^']*)'/.exec(said)?.[1];
  const ours =
    named !== undefined &&
    (named === message.exchange || (message.exchange === '' && DEFAULT_EXCHANGE_NAMES.includes(named)));
  if (ours && replyCode === NOT_FOUND) return unroutableError(message, `404 ${said}`);
  if (ours && replyCode === ACCESS_REFUSED) {
    const text = `publishing to exchange '${message.exchange}' is not allowed (403 ${said}): grant the user access`;
    return new RuntimeError('E_BROKER_ACCESS', text, { details: where(message) });
  }
  return new RuntimeError(
    'E_PUBLISH_UNCONFIRMED',
    `the channel closed before the broker confirmed the message (${said}): publish it again with the same message id`,
    { details: where(message) },
  );
}

/** We gave up waiting for its confirm. */
export function abandonedError(message: OutgoingMessage, why: string): RuntimeError {
  const text = `nobody confirmed the message (${why}): publish it again with the same message id`;
  return new RuntimeError('E_PUBLISH_UNCONFIRMED', text, { details: where(message) });
}

export function publisherClosedError(): RuntimeError {
  return new RuntimeError('E_CLIENT_CLOSED', 'the publisher is closed: nothing more can be published with it');
}

function where(message: OutgoingMessage): Readonly<Record<string, unknown>> {
  return { exchange: message.exchange, routingKey: message.routingKey, messageId: message.properties.messageId };
}
