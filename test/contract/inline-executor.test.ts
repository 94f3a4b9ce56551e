import { InlineExecutor } from '../../src/executor/inline/inline-executor.ts';
import { WELL_BEHAVED } from './executor-rig.ts';
import { exerciseExecutor } from './exercise-executor.ts';
import { exerciseService } from './exercise-service.ts';

exerciseExecutor('inline executor', (fixture, listener) => new InlineExecutor(fixture, listener));
exerciseService('inline executor', () => new InlineExecutor({ tasks: WELL_BEHAVED }));
