import { describe, type TestContext, test } from 'node:test';
import type { BrokerRig } from './broker-rig.ts';
import { BrokerTrial } from './broker-rig.ts';
import { consumerCases } from './exercise-broker-consumer.ts';
import { delayCases } from './exercise-broker-delays.ts';
import { lifecycleCases } from './exercise-broker-lifecycle.ts';
import { publisherCases } from './exercise-broker-publisher.ts';
import { recoveryCases } from './exercise-broker-recovery.ts';
import { settlingCases } from './exercise-broker-settling.ts';
import { topologyCases } from './exercise-broker-topology.ts';

/** One sentence about what every broker does, and the proof. */
export type BrokerCase = readonly [
  behaviour: string,
  proof: (trial: BrokerTrial, context: TestContext) => Promise<void>,
];

const LIMIT_MS = 20_000;

/**
 * What the ports in src/broker/broker.ts promise, as cases that every adapter passes.
 * A bug found in one adapter becomes a case here, for all of them.
 */
export function exerciseBroker(
  name: string,
  makeRig: () => Promise<BrokerRig>,
  options: { skip: string | false } = { skip: false },
): void {
  const groups: readonly (readonly [string, readonly BrokerCase[]])[] = [
    ['lifecycle', lifecycleCases],
    ['topology', topologyCases],
    ['publisher', publisherCases],
    ['consumer', consumerCases],
    ['settling', settlingCases],
    ['recovery', recoveryCases],
    ['delays', delayCases],
  ];
  describe(`${name} as a broker`, { timeout: LIMIT_MS * 10, ...options }, () => {
    for (const [group, cases] of groups) {
      describe(group, () => {
        for (const [behaviour, proof] of cases) {
          test(behaviour, { timeout: LIMIT_MS }, async (context) => {
            const trial = new BrokerTrial(await makeRig());
            try {
              await proof(trial, context);
            } finally {
              await trial.end();
            }
          });
        }
      });
    }
  });
}
