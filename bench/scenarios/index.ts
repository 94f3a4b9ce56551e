/** The code of every scenario by its name; what each is about: about.ts. */
import type { ScenarioName } from './about.ts';
import { burst } from './burst.ts';
import { cpu } from './cpu.ts';
import { cpuMixed } from './cpu-mixed.ts';
import { embedded } from './embedded.ts';
import { fleet } from './fleet.ts';
import { latency } from './latency.ts';
import { live } from './live.ts';
import { mongo } from './mongo.ts';
import { noop } from './noop.ts';
import { payload } from './payload.ts';
import { publish } from './publish.ts';
import type { Scenario, ServerlessBench } from './scenario.ts';
import { workload } from './workload.ts';

/** Those whose broker and store are in the contender's own process. */
type ServerlessName = 'embedded';

export const SERVERLESS_CODE: Readonly<Record<ServerlessName, Scenario<ServerlessBench>>> = { embedded };

export function isServerless(name: ScenarioName): name is ServerlessName {
  return name in SERVERLESS_CODE;
}

export const SCENARIO_CODE: Readonly<Record<Exclude<ScenarioName, ServerlessName>, Scenario>> = {
  noop,
  mongo,
  workload,
  cpu,
  'cpu-mixed': cpuMixed,
  live,
  latency,
  'latency-share': latency,
  burst,
  payload,
  publish,
  fleet,
};
