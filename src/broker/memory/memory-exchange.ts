import type { ExchangeSpec } from '../topology.ts';

/** What one routing key leads to. */
export interface ExchangeTargets {
  readonly queues: Set<string>;
  readonly exchanges: Set<string>;
}

/**
 * One exchange: which queues and further exchanges a routing key leads to. Headers bindings carry no arguments here, so
 * they match all.
 */
export class MemoryExchange {
  readonly spec: ExchangeSpec;
  readonly #bindings = new Map<string, ExchangeTargets>();

  constructor(spec: ExchangeSpec) {
    this.spec = spec;
  }

  bindQueue(queue: string, routingKey: string): void {
    this.#targets(routingKey).queues.add(queue);
  }

  bindExchange(destination: string, routingKey: string): void {
    this.#targets(routingKey).exchanges.add(destination);
  }

  unbindQueue(queue: string): void {
    for (const [routingKey, { queues, exchanges }] of this.#bindings) {
      if (queues.delete(queue) && queues.size + exchanges.size === 0) this.#bindings.delete(routingKey);
    }
  }

  /** Adds to `targets`, each name once; false where the routing key leads nowhere. */
  route(routingKey: string, targets: ExchangeTargets): boolean {
    if (this.spec.type === 'direct') return add(this.#bindings.get(routingKey), targets);
    let led = false;
    for (const [pattern, bound] of this.#bindings)
      if (this.spec.type !== 'topic' || topicMatches(pattern, routingKey)) led = add(bound, targets) || led;
    return led;
  }

  #targets(routingKey: string): ExchangeTargets {
    const known = this.#bindings.get(routingKey);
    if (known !== undefined) return known;
    const targets = { queues: new Set<string>(), exchanges: new Set<string>() };
    this.#bindings.set(routingKey, targets);
    return targets;
  }
}

function add(bound: ExchangeTargets | undefined, targets: ExchangeTargets): boolean {
  if (bound === undefined) return false;
  for (const queue of bound.queues) targets.queues.add(queue);
  for (const exchange of bound.exchanges) targets.exchanges.add(exchange);
  return true;
}

/** `*` stands for one word, `#` for none or more; words are separated by dots. */
export function topicMatches(pattern: string, routingKey: string): boolean {
  const words = routingKey === '' ? [] : routingKey.split('.');
  // Row by row: reach[n] is true when the pattern read so far matches the first n words.
  let reach = [true, ...words.map(() => false)];
  for (const part of pattern === '' ? [] : pattern.split('.')) {
    const next = [part === '#' && reach[0] === true];
    for (let n = 1; n <= words.length; n++) {
      if (part === '#') next[n] = reach[n] === true || next[n - 1] === true;
      else next[n] = reach[n - 1] === true && (part === '*' || part === words[n - 1]);
    }
    reach = next;
  }
  return reach[words.length] === true;
}
