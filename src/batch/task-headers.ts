/**
 * The headers that millrace gives to messages that did not simply succeed. A first send has none of them: a table of
 * headers costs more than all other properties together.
 *
 *     x-attempt     the attempt that this message is for, counted from 1; none: 1
 *     x-history     the attempts before it, oldest first, the last 20 of them (AttemptRecord)
 *     x-waits       times it waited for a worker that knows its task; no attempts
 *     x-start-by    Unix ms after which its first attempt must not begin any more
 *     x-replayed    times it was sent again from the dead letters
 *
 * and to dead letters in addition:
 *
 *     x-error-code, x-error-message, x-error-stack, x-outcome, x-queue, x-worker, x-dead-at
 *     x-original-properties    properties that could not be read or sent again, base64
 */
export const ATTEMPT = 'x-attempt';
export const HISTORY = 'x-history';
export const WAITS = 'x-waits';
export const START_BY = 'x-start-by';
export const REPLAYED = 'x-replayed';

export const ERROR_CODE = 'x-error-code';
export const ERROR_MESSAGE = 'x-error-message';
export const ERROR_STACK = 'x-error-stack';
export const OUTCOME = 'x-outcome';
export const QUEUE = 'x-queue';
export const WORKER = 'x-worker';
export const DEAD_AT = 'x-dead-at';
export const ORIGINAL_PROPERTIES = 'x-original-properties';

/** Entries that `x-history` holds at most: the last ones. */
export const LONGEST_HISTORY = 20;

/** One attempt in `x-history`: a table in AMQP's terms. */
export interface AttemptRecord {
  readonly attempt: number;
  /** When it ended, ISO 8601. */
  readonly at: string;
  /** failed, timed-out, crashed, … */
  readonly outcome: string;
  readonly code: string;
  /** Up to 200 characters. */
  readonly message: string;
  /** host:pid of the process that ran it. */
  readonly worker: string;
}

/**
 * What a broker adds when it returns or dead-letters a message. A message that is published again must not carry them:
 * RabbitMQ's cycle detection reads x-death and would drop the second delayed retry.
 */
export const BROKER_HEADERS: readonly string[] = [
  'x-death',
  'x-first-death-exchange',
  'x-first-death-queue',
  'x-first-death-reason',
  'x-last-death-exchange',
  'x-last-death-queue',
  'x-last-death-reason',
  'x-delivery-count',
  'CC',
  'BCC',
];
