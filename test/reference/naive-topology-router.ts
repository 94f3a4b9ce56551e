import type { Topology } from '../../src/broker/topology.ts';

/** Where a message ended up, and how long it waited on the way. */
export interface Arrival {
  readonly queue: string;
  readonly waitedMs: number;
}

/**
 * What a broker does with a topology, the obvious way: follows a message through exchanges and queues with a time to
 * live until it lies in queues without one. No adapter is involved, so that it can judge the topology by itself.
 */
export function follow(topology: Topology, exchange: string, routingKey: string): readonly Arrival[] {
  const arrivals: Arrival[] = [];
  let here: { readonly exchange: string; readonly waitedMs: number }[] = [{ exchange, waitedMs: 0 }];
  while (here.length > 0) {
    here = here.flatMap(({ exchange, waitedMs }) =>
      [...queuesOf(topology, exchange, routingKey)].flatMap((queue) => {
        const args = topology.queues.find(({ name }) => name === queue)?.arguments;
        const [ttl, next] = [args?.['x-message-ttl'], args?.['x-dead-letter-exchange']];
        if (typeof ttl === 'number' && typeof next === 'string') return [{ exchange: next, waitedMs: waitedMs + ttl }];
        arrivals.push({ queue, waitedMs });
        return [];
      }),
    );
  }
  return arrivals;
}

/** The queues that one publish to the exchange reaches, over all exchanges bound behind it. */
function queuesOf(topology: Topology, first: string, routingKey: string): Set<string> {
  const [exchanges, queues] = [new Set([first]), new Set<string>()];
  for (const exchange of exchanges) {
    const spec = topology.exchanges.find(({ name }) => name === exchange);
    if (spec === undefined) throw new Error(`no exchange ${exchange}`);
    const fits = (pattern: string): boolean =>
      spec.type === 'fanout' || matches(pattern.split('.'), routingKey.split('.'));
    const bound = topology.bindings.filter((each) => each.exchange === exchange && fits(each.routingKey));
    const behind = (topology.exchangeBindings ?? []).filter(
      (each) => each.source === exchange && fits(each.routingKey),
    );
    for (const { queue } of bound) queues.add(queue);
    for (const { destination } of behind) exchanges.add(destination);
    if (bound.length + behind.length === 0 && spec.alternate !== undefined) exchanges.add(spec.alternate);
  }
  return queues;
}

function matches([part, ...parts]: readonly string[], words: readonly string[]): boolean {
  if (part === undefined) return words.length === 0;
  if (part === '#') return matches(parts, words) || (words.length > 0 && matches([part, ...parts], words.slice(1)));
  const [word, ...rest] = words;
  return word !== undefined && (part === '*' || part === word) && matches(parts, rest);
}
