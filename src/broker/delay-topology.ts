/**
 * Delays as topology: 24 levels, one for each binary digit of the delay in units of 100 ms. Pure data.
 *
 * All messages in one level's queue have the same time to live, so they expire in the order they came and none waits
 * behind a longer one, which is what a single queue with a TTL per message would do to them.
 *
 *     delay 1.3 s = 13 units = 1101 in binary: levels 3, 2 and 0             routing key  3.2.0.>.<address>
 *
 *     publish ─▶ enter ─3─▶ level-03: queue, 800 ms
 *                             │ dead-lettered when its time is over, routing key kept
 *                             ▼
 *                           level-03: exchange ─"3.2"─▶ level-02: queue, 400 ms
 *                                                         ▼
 *                                                       level-02: exchange ─"2.0"─▶ level-00: queue, 100 ms
 *                                                                                     ▼
 *                                         <queue> ◀─<address>─ deliver ◀─"0.>"─ level-00: exchange
 *
 * The exchange behind each level looks for the word after its own. To follow digits, the zeros included, through one
 * exchange a digit is the usual way; it moves a quarter as many a second (docs/decisions/0040-delay-levels.md).
 *
 * What `deliver` has no queue for (it was deleted) goes to the queue `undelivered`: dead-lettering at least once holds on
 * to what has nowhere to go, and 32 such messages would stop the last level for every queue of the virtual host.
 *
 * Cost: a message is stored once for each 1 in its delay's binary form, 1 to 24 times.
 */
import { createHash } from 'node:crypto';
import { RuntimeError } from '../errors/runtime-error.ts';
import type { Address } from './broker.ts';
import type { QueueSpec, Topology } from './topology.ts';

export const DELAY_UNIT_MS = 100;
export const DELAY_LEVELS = 24;
/** Longest delay the levels hold, 19.4 days. */
export const LONGEST_LEVELS_DELAY_MS = (2 ** DELAY_LEVELS - 1) * DELAY_UNIT_MS;

const HIGHEST = DELAY_LEVELS - 1;
const SHORT_STRING_BYTES = 255; // of a routing key
/** The word before the address. */
const END = '>';
const LONGEST_WAY = wayOf(2 ** DELAY_LEVELS - 1);
const LONGEST_ADDRESS_BYTES = SHORT_STRING_BYTES - `${LONGEST_WAY}.`.length;

/** All levels with their queues, and the exchange behind them. */
export function delayTopology(prefix: string): Topology {
  const levels = Array.from({ length: DELAY_LEVELS }, (_, index) => HIGHEST - index);
  const [enter, deliver, undelivered] = [enterName(prefix), deliverName(prefix), undeliveredName(prefix)];
  return {
    exchanges: [
      { name: undelivered, type: 'fanout' },
      { name: deliver, type: 'topic', alternate: undelivered },
      { name: enter, type: 'topic' },
      ...levels.map((level) => ({ name: levelName(prefix, level), type: 'topic' as const })),
    ],
    queues: [
      { name: undelivered, arguments: { 'x-queue-type': 'quorum' }, keepsReturned: true },
      ...levels.map((level) => ({ name: levelName(prefix, level), arguments: levelArguments(prefix, level) })),
    ],
    bindings: [
      { exchange: undelivered, queue: undelivered, routingKey: '' },
      ...levels.map((level) => ({ exchange: enter, queue: levelName(prefix, level), routingKey: `${level}.#` })),
      ...levels.flatMap((level) =>
        levels
          .filter((next) => next < level)
          .map((next) => ({
            exchange: levelName(prefix, level),
            queue: levelName(prefix, next),
            routingKey: `#.${level}.${next}.#`,
          })),
      ),
    ],
    exchangeBindings: levels.map((level) => ({
      source: levelName(prefix, level),
      destination: deliver,
      routingKey: `#.${level}.${END}.#`,
    })),
  };
}

function levelArguments(prefix: string, level: number): QueueSpec['arguments'] {
  return {
    'x-queue-type': 'quorum',
    'x-message-ttl': 2 ** level * DELAY_UNIT_MS,
    'x-dead-letter-exchange': levelName(prefix, level),
    'x-dead-letter-strategy': 'at-least-once',
    'x-overflow': 'reject-publish',
  };
}

/** Declared when all levels stand: where it exists, nothing has to be declared. */
export function delayMarker(prefix: string): Topology & { readonly name: string } {
  const name = `${prefix}.declared`;
  return { name, exchanges: [{ name, type: 'fanout' }], queues: [], bindings: [] };
}

/** The way from the levels to a queue. */
export function delayBinding(prefix: string, queue: string): Topology {
  const binding = { exchange: deliverName(prefix), queue, routingKey: `#.${address(queue)}` };
  return { exchanges: [], queues: [], bindings: [binding] };
}

/**
 * Where to publish so that the message reaches `queue` after the delay: rounded up to 100 ms, at least 100 ms.
 * Throws E_OPTION_RANGE for delays that the levels do not hold.
 */
export function delayRoute(prefix: string, queue: string, delayMs: number): Address {
  if (Number.isNaN(delayMs) || delayMs > LONGEST_LEVELS_DELAY_MS)
    throw new RuntimeError(
      'E_OPTION_RANGE',
      `got a delay of ${delayMs} ms, expected at most ${LONGEST_LEVELS_DELAY_MS} ms (19 days): ` +
        'keep what is due later in a store of your own, and send it nearer its time',
      { details: { queue, delayMs } },
    );
  const units = Math.max(1, Math.ceil(delayMs / DELAY_UNIT_MS));
  return { exchange: enterName(prefix), routingKey: `${wayOf(units)}.${address(queue)}` };
}

/** Levels from the longest to the shortest, and the end: `3.2.0.>` */
function wayOf(units: number): string {
  let way = '';
  for (let level = HIGHEST; level >= 0; level--) if ((units >> level) & 1) way += `${level}.`;
  return way + END;
}

/** The queue of one level, and the exchange behind it: `millrace.delay.level-07` holds messages for 2^7 × 100 ms. */
export function levelName(prefix: string, level: number): string {
  return `${prefix}.level-${String(level).padStart(2, '0')}`;
}

/** The queue of what waited for a queue that is not there any more. */
export function undeliveredName(prefix: string): string {
  return `${prefix}.undelivered`;
}

function enterName(prefix: string): string {
  return `${prefix}.enter`;
}

function deliverName(prefix: string): string {
  return `${prefix}.deliver`;
}

/**
 * The last word of the routing key: the queue's name where it is one word that means itself, else '=' and a hash.
 * So no queue's address is the end of another's, and a name that begins with '=' cannot be taken for a hash.
 */
function address(queue: string): string {
  const plain = !/[.*#]/.test(queue) && !queue.startsWith('=') && Buffer.byteLength(queue) <= LONGEST_ADDRESS_BYTES;
  return plain ? queue : `=${createHash('sha256').update(queue).digest('base64url')}`;
}
