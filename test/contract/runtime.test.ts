import { MemoryBroker } from '../../src/broker/memory/memory-broker.ts';
import { resolveOptions } from '../../src/config/resolve-options.ts';
import { createPipeline } from '../../src/delivery/pipeline.ts';
import { ThreadExecutor } from '../../src/executor/thread/thread-executor.ts';
import { WorkerRuntime } from '../../src/runtime/runtime.ts';
import { ServiceGroup } from '../../src/runtime/service-group.ts';
import { ThreadWatch } from '../../src/runtime/thread-watch.ts';
import { MemoryStore } from '../../src/store/memory/memory-store.ts';
import { SILENT_LOGGER } from '../../src/telemetry/logger.ts';
import { exerciseService } from './exercise-service.ts';

const TASKS = new URL('../fixtures/cli/tasks.ts', import.meta.url);

exerciseService(
  'a runtime',
  () => {
    const store = new MemoryStore();
    const threads = new ThreadWatch(SILENT_LOGGER);
    const executor = new ThreadExecutor({ tasks: TASKS, threads: 1, store: store.writerSpec() }, threads);
    const parts = { broker: new MemoryBroker(), store, executor, threads, logger: SILENT_LOGGER, createPipeline };
    return new WorkerRuntime(parts, resolveOptions({ tasks: TASKS, threads: 1 }));
  },
  { rounds: 3 },
);

exerciseService('a group of services', () => new ServiceGroup().add(new MemoryBroker()).add(new MemoryStore()));
