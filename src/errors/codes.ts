/**
 * Every error code of millrace, in one table: what broke, how far the damage reaches, whether trying again can help.
 *
 * `severity` is the scope of the damage, from small to large:
 * `task` one message · `channel` one consumer · `connection` everything on one connection · `fatal` the worker cannot run.
 */
export type ErrorSeverity = 'task' | 'channel' | 'connection' | 'fatal';

export interface ErrorCodeEntry {
  readonly severity: ErrorSeverity;
  /** True where the same attempt may succeed later with nothing changed. */
  readonly retryable: boolean;
  /** One sentence for docs/reference/errors.md. */
  readonly summary: string;
}

export const ERROR_CODES = {
  // options and start
  E_OPTION_UNKNOWN: {
    severity: 'fatal',
    retryable: false,
    summary: 'An option has a name that millrace does not know.',
  },
  E_OPTION_TYPE: { severity: 'fatal', retryable: false, summary: 'An option has a value of the wrong type.' },
  E_OPTION_RANGE: { severity: 'fatal', retryable: false, summary: 'An option is outside its range.' },
  E_OPTION_MISSING: { severity: 'fatal', retryable: false, summary: 'A required option was not given.' },
  E_STATE: { severity: 'fatal', retryable: false, summary: 'A part was asked for something its state does not allow.' },
  E_STOP_TIMEOUT: {
    severity: 'fatal',
    retryable: false,
    summary: 'A part did not stop in time; the process has to be ended.',
  },
  E_TASK_MODULE_LOAD: { severity: 'fatal', retryable: false, summary: 'The task module could not be imported.' },
  E_TASK_MODULE_EMPTY: { severity: 'fatal', retryable: false, summary: 'The task module exports no task.' },
  E_TASK_DUPLICATE: { severity: 'fatal', retryable: false, summary: 'Two exported tasks have the same name.' },

  // one task
  E_TASK_UNKNOWN: {
    severity: 'task',
    retryable: true,
    summary: 'The message names a task that this worker does not have.',
  },
  E_TASK_FAILED: { severity: 'task', retryable: true, summary: 'The task handler threw or rejected.' },
  E_TASK_OUTCOME: {
    severity: 'task',
    retryable: false,
    summary: 'The task handler returned something that is no outcome.',
  },
  E_TASK_CRASHED: { severity: 'task', retryable: true, summary: 'The thread died while it ran this task.' },
  E_TASK_TIMEOUT: {
    severity: 'task',
    retryable: true,
    summary:
      'The task did not end within its timeout; where it did not heed its signal within the grace, its thread was ended.',
  },
  E_TASK_EXPIRED: {
    severity: 'task',
    retryable: false,
    summary: 'The message was too old when a thread picked it up: its start deadline had passed, and it did not run.',
  },
  E_TASK_RETRY_LATER: { severity: 'task', retryable: true, summary: 'The task asked to be tried again later.' },
  E_BODY_UNDECODABLE: {
    severity: 'task',
    retryable: false,
    summary: 'The message body is not what its content type says.',
  },
  E_MESSAGE_MALFORMED: { severity: 'task', retryable: false, summary: 'The message properties cannot be read.' },
  E_MESSAGE_TOO_LARGE: { severity: 'task', retryable: false, summary: 'The message is larger than the limit.' },

  // threads
  E_THREAD_DIED: { severity: 'channel', retryable: true, summary: 'A thread ended while it held a batch.' },
  E_THREAD_STUCK: {
    severity: 'fatal',
    retryable: false,
    summary: 'A thread that was told to end did not: native code in a task holds it. The process has to be ended.',
  },
  E_THREADS_EXHAUSTED: { severity: 'fatal', retryable: false, summary: 'Threads die as fast as they are replaced.' },

  // store
  E_STORE_MISSING: {
    severity: 'task',
    retryable: false,
    summary: 'A task returned an effect, and the runtime has no store.',
  },
  E_STORE_CONFLICT: {
    severity: 'task',
    retryable: false,
    summary: 'A unique index refused the document: one of your own, or _id where the task chose the id.',
  },
  E_STORE_REFUSED: {
    severity: 'task',
    retryable: false,
    summary: 'The store or its driver refuses this document for what it is.',
  },
  E_STORE_UNSUPPORTED: {
    severity: 'task',
    retryable: false,
    summary: 'A task updates, replaces or deletes, and the server has no transactions (it is no replica set).',
  },
  E_STORE_CONTENDED: {
    severity: 'task',
    retryable: true,
    summary: 'Another transaction holds a document that the task wants to change; the task waits, no attempt counted.',
  },
  E_STORE_UNKNOWN: {
    severity: 'connection',
    retryable: true,
    summary: 'It is not known whether the store took the batch.',
  },
  E_STORE_URL: { severity: 'fatal', retryable: false, summary: 'The store URL cannot be read.' },
  E_STORE_AUTH: { severity: 'fatal', retryable: false, summary: 'The store refused the credentials.' },
  E_STORE_UNREACHABLE: { severity: 'connection', retryable: true, summary: 'The store cannot be reached.' },

  // broker
  E_BROKER_URL: { severity: 'fatal', retryable: false, summary: 'The broker URL cannot be read.' },
  E_BROKER_UNREACHABLE: { severity: 'connection', retryable: true, summary: 'No broker host can be reached.' },
  E_BROKER_AUTH: { severity: 'fatal', retryable: false, summary: 'The broker refused the credentials.' },
  E_BROKER_VHOST: {
    severity: 'fatal',
    retryable: false,
    summary: 'The virtual host does not exist or may not be used.',
  },
  E_BROKER_PROTOCOL: {
    severity: 'connection',
    retryable: true,
    summary: 'The peer sent bytes that are not valid AMQP 0-9-1.',
  },
  E_BROKER_HEARTBEAT: {
    severity: 'connection',
    retryable: true,
    summary: 'The peer was silent for two heartbeat intervals.',
  },
  E_BROKER_CONNECTION_CLOSED: {
    severity: 'connection',
    retryable: true,
    summary: 'The connection to the broker was closed.',
  },
  E_BROKER_CHANNEL_CLOSED: { severity: 'channel', retryable: true, summary: 'The broker closed the channel.' },
  E_BROKER_CONSUMER_CANCELLED: { severity: 'channel', retryable: true, summary: 'The broker cancelled the consumer.' },
  E_BROKER_QUEUE_MISSING: { severity: 'channel', retryable: true, summary: 'The queue does not exist.' },
  E_BROKER_ACCESS: { severity: 'fatal', retryable: false, summary: 'The user may not do this on the virtual host.' },
  E_BROKER_TOPOLOGY: {
    severity: 'fatal',
    retryable: false,
    summary: 'A queue or exchange exists with other arguments.',
  },

  // publishing
  E_PUBLISH_UNROUTABLE: {
    severity: 'task',
    retryable: false,
    summary: 'No queue is bound for the message; the broker returned it.',
  },
  E_PUBLISH_NACKED: { severity: 'task', retryable: true, summary: 'The broker refused the message.' },
  E_PUBLISH_UNCONFIRMED: {
    severity: 'task',
    retryable: true,
    summary: 'The connection was lost before the broker confirmed.',
  },
  E_PAYLOAD_UNENCODABLE: { severity: 'task', retryable: false, summary: 'The payload cannot be written as JSON.' },
  E_SEND_INCOMPLETE: {
    severity: 'task',
    retryable: true,
    summary: 'Some of the messages sent together were not confirmed.',
  },
  E_DEAD_LETTERS_INCOMPLETE: {
    severity: 'task',
    retryable: true,
    summary: 'A replay or drop of dead letters ended early; what it had not done is still in the dead-letter queue.',
  },
  E_CLIENT_CLOSED: { severity: 'fatal', retryable: false, summary: 'The client is closed.' },
} as const satisfies Record<string, ErrorCodeEntry>;

export type ErrorCode = keyof typeof ERROR_CODES;
