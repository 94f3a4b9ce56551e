import { RuntimeError } from '../../errors/runtime-error.ts';

/**
 * One connection's life, from the first packet to the last:
 * `created` → `connecting` TCP and TLS → `greeting` protocol header sent → `authenticating` credentials sent →
 * `opening` virtual host asked for → `open` → `closing` our connection.close sent → `closed`.
 */
export type ConnectionState =
  | 'created'
  | 'connecting'
  | 'greeting'
  | 'authenticating'
  | 'opening'
  | 'open'
  | 'closing'
  | 'closed';

const NEXT: Readonly<Record<ConnectionState, readonly ConnectionState[]>> = {
  created: ['connecting', 'closed'],
  connecting: ['greeting', 'closed'],
  greeting: ['authenticating', 'closed'],
  authenticating: ['opening', 'closed'],
  opening: ['open', 'closed'],
  open: ['closing', 'closed'],
  closing: ['closed'],
  closed: [],
};

/** @returns `to`, if that may follow `from` */
export function nextConnectionState(from: ConnectionState, to: ConnectionState): ConnectionState {
  if (!NEXT[from].includes(to)) throw new RuntimeError('E_STATE', `a connection cannot go from ${from} to ${to}`);
  return to;
}
