import type { ErrorCode } from '../../errors/codes.ts';
import { RuntimeError } from '../../errors/runtime-error.ts';
import { socketError } from './close-reason.ts';

/**
 * What rabbitmq-client throws, read: `code` is the name of AMQP's reply code or of a system error; the message is
 * `Method: REPLY_CODE - text`, of which only what the broker said is of use.
 */
export interface RabbitFailure {
  readonly code: string;
  readonly said: string;
}

export function readFailure(thrown: unknown): RabbitFailure {
  if (!(thrown instanceof Error)) return { code: 'UNKNOWN', said: String(thrown) };
  const { code } = thrown as { code?: unknown };
  return { code: typeof code === 'string' ? code : 'UNKNOWN', said: thrown.message.replace(/^\w+: /, '') };
}

const PROTOCOL_CODES = [
  'VERSION_MISMATCH',
  'CODEC',
  'FRAME_ERROR',
  'UNEXPECTED_FRAME',
  'COMMAND_INVALID',
  'SYNTAX_ERROR',
];

/** Why a host could not be used. @param where - without the password */
export function connectError(where: string, thrown: unknown): RuntimeError {
  const { code, said } = readFailure(thrown);
  const [ours, message] = ((): [ErrorCode, string] => {
    if (code === 'ACCESS_REFUSED') {
      return ['E_BROKER_AUTH', `${where} refused the credentials (403 ${said}): check user name and password`];
    }
    if (code === 'NOT_ALLOWED' || code === 'INVALID_PATH') {
      return ['E_BROKER_VHOST', `${where} does not let us use the virtual host (${said}): create it or grant access`];
    }
    if (PROTOCOL_CODES.includes(code))
      return ['E_BROKER_PROTOCOL', `${where} did not answer as an AMQP 0-9-1 broker: ${said}`];
    return ['E_BROKER_UNREACHABLE', ''];
  })();
  if (ours === 'E_BROKER_UNREACHABLE')
    return socketError(where, 'connecting', thrown instanceof Error ? thrown : undefined);
  return new RuntimeError(ours, message, { details: { replyText: said } });
}

/** Why an open connection was lost. */
export function lostError(where: string, thrown: unknown): RuntimeError {
  const { code, said } = readFailure(thrown);
  const heartbeat = code === 'SOCKET_TIMEOUT';
  return new RuntimeError(
    heartbeat ? 'E_BROKER_HEARTBEAT' : 'E_BROKER_CONNECTION_CLOSED',
    `lost the connection for topology to ${where}: ${said}`,
    thrown instanceof Error ? { cause: thrown } : {},
  );
}

/** True when the connection itself went, so that the same call may succeed on the next one. */
export function isConnectionLoss(thrown: unknown): boolean {
  if (!(thrown instanceof Error)) return false;
  const { code } = readFailure(thrown);
  return thrown.name === 'AMQPConnectionError' || 'syscall' in thrown || code.startsWith('ERR_STREAM');
}
