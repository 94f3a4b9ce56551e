import type { OutcomeKind } from '../batch/outcome-packer.ts';

/**
 * What follows from an outcome: `settle` owes the ack at once · `dead-letter` owes it when the broker has confirmed the
 * dead letter · `run-again` keeps the message here · `give-back` returns it to the queue, no attempt counted.
 */
export type Route = 'settle' | 'dead-letter' | 'run-again' | 'give-back';

const ROUTES: Readonly<Record<OutcomeKind, Route>> = {
  failed: 'dead-letter',
  'timed-out': 'dead-letter',
  crashed: 'dead-letter',
  expired: 'dead-letter',
  discarded: 'settle',
  cancelled: 'settle',
  snoozed: 'give-back',
  interrupted: 'give-back',
  unknown: 'run-again',
};

/** The whole routing, a pure table. Retry policies will decide between `dead-letter` and a delayed retry here. */
export function routeOutcome(kind: OutcomeKind): Route {
  return ROUTES[kind];
}
