/** The code of every scenario by its name; what each is about: about.ts. */
import type { ScenarioName } from './about.ts';
import { burst } from './burst.ts';
import { cpu } from './cpu.ts';
import { cpuMixed } from './cpu-mixed.ts';
import { fleet } from './fleet.ts';
import { latency } from './latency.ts';
import { live } from './live.ts';
import { mongo } from './mongo.ts';
import { noop } from './noop.ts';
import { payload } from './payload.ts';
import { publish } from './publish.ts';
import type { Scenario } from './scenario.ts';
import { workload } from './workload.ts';

export const SCENARIO_CODE: Readonly<Record<ScenarioName, Scenario>> = {
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
