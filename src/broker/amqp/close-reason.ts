import type { ErrorCode } from '../../errors/codes.ts';
import { RuntimeError } from '../../errors/runtime-error.ts';
import type { WireReader } from './wire-reader.ts';

/** Why the broker closed a channel or the connection, as it says itself. */
export interface CloseReason {
  readonly replyCode: number;
  readonly replyText: string;
}

const ACCESS_REFUSED = 403;
const NOT_FOUND = 404;
const RESOURCE_LOCKED = 405;
const INVALID_PATH = 402;
const NOT_ALLOWED = 530;

export function readCloseReason(args: WireReader): CloseReason {
  return { replyCode: args.u16(), replyText: args.shortString() };
}

/**
 * What a connection.close means.
 * @param opening - the virtual host was being opened: 530 then speaks of it, later of something else
 */
export function connectionCloseError(where: string, reason: CloseReason, opening: boolean): RuntimeError {
  const { replyCode, replyText } = reason;
  const said = `${replyCode} ${replyText}`;
  const [code, message] = ((): [ErrorCode, string] => {
    if (replyCode === ACCESS_REFUSED) {
      return ['E_BROKER_AUTH', `${where} refused the credentials (${said}): check user name and password`];
    }
    if (opening && (replyCode === NOT_ALLOWED || replyCode === INVALID_PATH)) {
      return ['E_BROKER_VHOST', `${where} does not let us use the virtual host (${said}): create it or grant access`];
    }
    return ['E_BROKER_CONNECTION_CLOSED', `${where} closed the connection: ${said}`];
  })();
  return new RuntimeError(code, message, { details: { replyCode, replyText } });
}

/** What a channel.close means for a consumer of `queue`. */
export function channelCloseError(queue: string, reason: CloseReason): RuntimeError {
  const { replyCode, replyText } = reason;
  const said = `${replyCode} ${replyText}`;
  const [code, message] = ((): [ErrorCode, string] => {
    if (replyCode === NOT_FOUND) {
      return ['E_BROKER_QUEUE_MISSING', `the queue '${queue}' cannot be consumed: ${said}`];
    }
    if (replyCode === ACCESS_REFUSED || replyCode === RESOURCE_LOCKED) {
      return ['E_BROKER_ACCESS', `the queue '${queue}' may not be consumed: ${said}`];
    }
    return ['E_BROKER_CHANNEL_CLOSED', `the broker closed the channel that consumes '${queue}': ${said}`];
  })();
  return new RuntimeError(code, message, { details: { queue, replyCode, replyText } });
}

/** What a socket that failed or ended means. */
export function socketError(where: string, stage: string, cause: Error | undefined): RuntimeError {
  const why = cause === undefined ? 'the peer closed the connection' : describeCause(cause);
  const options = cause === undefined ? {} : { cause };
  if (stage === 'open' || stage === 'closing') {
    return new RuntimeError('E_BROKER_CONNECTION_CLOSED', `lost the connection to ${where}: ${why}`, options);
  }
  const message = `cannot connect to ${where}: ${why} (while ${stage})`;
  return new RuntimeError('E_BROKER_UNREACHABLE', message, options);
}

/** An error of a host with several addresses has no message of its own, only a code. */
function describeCause(cause: Error): string {
  const { code } = cause as { code?: unknown };
  if (typeof code !== 'string') return cause.message;
  return cause.message === '' || cause.message.includes(code) ? cause.message || code : `${cause.message} (${code})`;
}
