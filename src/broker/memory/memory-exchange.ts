import type { ExchangeSpec } from '../topology.ts';

/** One exchange: which queues a routing key leads to. Headers bindings carry no arguments here, so they match all. */
export class MemoryExchange {
  readonly spec: ExchangeSpec;
  readonly #bindings = new Map<string, Set<string>>();

  constructor(spec: ExchangeSpec) {
    this.spec = spec;
  }

  bind(queue: string, routingKey: string): void {
    const queues = this.#bindings.get(routingKey);
    if (queues === undefined) this.#bindings.set(routingKey, new Set([queue]));
    else queues.add(queue);
  }

  unbindQueue(queue: string): void {
    for (const [routingKey, queues] of this.#bindings) {
      if (queues.delete(queue) && queues.size === 0) this.#bindings.delete(routingKey);
    }
  }

  /** Names of the queues, each once. */
  route(routingKey: string): Iterable<string> {
    if (this.spec.type === 'direct') return this.#bindings.get(routingKey) ?? [];
    const queues = new Set<string>();
    for (const [pattern, bound] of this.#bindings) {
      if (this.spec.type === 'topic' && !topicMatches(pattern, routingKey)) continue;
      for (const queue of bound) queues.add(queue);
    }
    return queues;
  }
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
