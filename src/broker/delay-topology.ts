/**
 * Delays as topology: 24 levels, one for each binary digit of the delay in units of 100 ms. Pure data.
 *
 * All messages in one level's queue have the same time to live, so they expire in the order they came and none waits
 * behind a longer one, which is what a single queue with a TTL per message would do to them.
 *
 *     delay 1.3 s = 13 units = 1101 in binary                        routing key 0.0.….1.1.0.1.<address>
 *
 *     publish ─▶ level-03 ─1─▶ queue, 800 ms ─┐
 *                   │0                        ▼ dead-lettered when its time is over, routing key kept
 *                   └───────────────────▶ level-02 ─1─▶ queue, 400 ms ─┐
 *                                             │0                       ▼
 *                                             └──────────────────▶ level-01 ─1─▶ queue, 200 ms
 *                                                                      │0 (this delay passes)
 *                                                                      └─▶ level-00 ─1─▶ queue, 100 ms ─┐
 *                                                                             │0                        ▼
 *                                                                             └──────────────────▶ deliver ─▶ <queue>
 *
 * Each level's exchange looks at its own digit: 1 waits in the level's queue, 0 goes on to the exchange below. What
 * `deliver` has no queue for (it was deleted) goes to the queue `undelivered`: dead-lettering at least once holds on to
 * what has nowhere to go, and 32 such messages would stop the last level for every queue of the virtual host.
 *
 * Cost: a message is stored once for each 1 in its delay's binary form, 1 to 24 times.
 */
import { createHash } from 'node:crypto';
import { RuntimeError } from '../errors/runtime-error.ts';
import type { Address } from './broker.ts';
import type { Topology } from './topology.ts';

export const DELAY_UNIT_MS = 100;
export const DELAY_LEVELS = 24;
/** Longest delay the levels hold, 19.4 days. */
export const LONGEST_LEVELS_DELAY_MS = (2 ** DELAY_LEVELS - 1) * DELAY_UNIT_MS;

const HIGHEST = DELAY_LEVELS - 1;
const SHORT_STRING_BYTES = 255; // of a routing key
const LONGEST_ADDRESS_BYTES = SHORT_STRING_BYTES - 2 * DELAY_LEVELS;

/** All levels with their queues, and the exchange behind them. */
export function delayTopology(prefix: string): Topology {
  const levels = Array.from({ length: DELAY_LEVELS }, (_, index) => HIGHEST - index);
  const undelivered = undeliveredName(prefix);
  const below = (level: number): string => (level === 0 ? deliverName(prefix) : levelName(prefix, level - 1));
  return {
    exchanges: [
      { name: undelivered, type: 'fanout' },
      { name: deliverName(prefix), type: 'topic', alternate: undelivered },
      ...levels.map((level) => ({ name: levelName(prefix, level), type: 'topic' as const })),
    ],
    queues: [
      { name: undelivered, arguments: { 'x-queue-type': 'quorum' }, keepsReturned: true },
      ...levels.map((level) => ({
        name: levelName(prefix, level),
        arguments: {
          'x-queue-type': 'quorum',
          'x-message-ttl': 2 ** level * DELAY_UNIT_MS,
          'x-dead-letter-exchange': below(level),
          'x-dead-letter-strategy': 'at-least-once',
          'x-overflow': 'reject-publish',
        },
      })),
    ],
    bindings: [
      { exchange: undelivered, queue: undelivered, routingKey: '' },
      ...levels.map((level) => ({
        exchange: levelName(prefix, level),
        queue: levelName(prefix, level),
        routingKey: digitPattern(level, '1'),
      })),
    ],
    exchangeBindings: levels.map((level) => ({
      source: levelName(prefix, level),
      destination: below(level),
      routingKey: digitPattern(level, '0'),
    })),
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
  const digits = units.toString(2).padStart(DELAY_LEVELS, '0');
  return {
    exchange: levelName(prefix, 31 - Math.clz32(units)), // of the highest 1: the digits before it need no hop
    routingKey: `${digits.split('').join('.')}.${address(queue)}`,
  };
}

/** The exchange, and the queue, of one level: `millrace.delay.level-07` holds messages for 2^7 × 100 ms. */
export function levelName(prefix: string, level: number): string {
  return `${prefix}.level-${String(level).padStart(2, '0')}`;
}

/** The queue of what waited for a queue that is not there any more. */
export function undeliveredName(prefix: string): string {
  return `${prefix}.undelivered`;
}

function deliverName(prefix: string): string {
  return `${prefix}.deliver`;
}

/** Matches routing keys whose digit for this level is `digit`: one star for each digit above it. */
function digitPattern(level: number, digit: '0' | '1'): string {
  return `${'*.'.repeat(HIGHEST - level)}${digit}.#`;
}

/**
 * The last word of the routing key: the queue's name where it is one word that means itself, else '=' and a hash.
 * So no queue's address is the end of another's, and a name that begins with '=' cannot be taken for a hash.
 */
function address(queue: string): string {
  const plain = !/[.*#]/.test(queue) && !queue.startsWith('=') && Buffer.byteLength(queue) <= LONGEST_ADDRESS_BYTES;
  return plain ? queue : `=${createHash('sha256').update(queue).digest('base64url')}`;
}
