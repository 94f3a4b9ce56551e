import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Service } from '../../src/support/service.ts';

export interface ServiceOptions {
  readonly skip?: string | false;
  /** Starts and stops at once, in the case that mixes them; fewer for parts that are slow to start. */
  readonly rounds?: number;
}

const LIMIT_MS = 30_000;

/**
 * The five promises of src/support/service.ts, for every part that starts and stops.
 * @param make - makes a part that has not been started; called once for each case
 */
export function exerciseService(
  name: string,
  make: () => Service | Promise<Service>,
  options: ServiceOptions = {},
): void {
  describe(`${name} as a service`, { skip: options.skip ?? false, timeout: LIMIT_MS * 8 }, () => {
    const limit = { timeout: LIMIT_MS };

    test('stopping before starting is fine', limit, async () => {
      const service = await make();
      await service.stop();
    });

    test('it starts and stops, and leaves nothing behind', limit, async () => {
      const before = openResources();
      const service = await make();
      await service.start();
      await service.stop();
      await noMoreThan(before);
    });

    test('starting twice is one start, one after the other and at once', limit, async () => {
      const service = await make();
      await Promise.all([service.start(), service.start(), service.start()]);
      await service.start();
      await service.stop();
    });

    test('stopping twice is one stop, one after the other and at once', limit, async () => {
      const service = await make();
      await service.start();
      await Promise.all([service.stop(), service.stop(), service.stop()]);
      await service.stop();
    });

    test('stopping while it starts ends stopped: the start settles and nothing is left behind', limit, async () => {
      const before = openResources();
      const service = await make();
      const starting = service.start().catch((error: unknown) => assert.ok(error instanceof Error));
      await service.stop();
      await starting;
      await service.stop();
      await noMoreThan(before);
    });

    test('any mix of starts and stops settles, and the last stop leaves nothing behind', limit, async () => {
      const before = openResources();
      for (let round = 0; round < (options.rounds ?? 10); round++) {
        const service = await make();
        const calls: Promise<void>[] = [];
        for (let call = 0; call < 6; call++) {
          // The order of the calls is the binary digits of the round, so all orders of six come up over 64 rounds.
          const stops = ((round * 11) >> call) & 1;
          calls.push(
            (stops === 1 ? service.stop() : service.start()).catch((error: unknown) =>
              assert.ok(error instanceof Error),
            ),
          );
          if (call % 2 === 1) await new Promise(setImmediate);
        }
        await Promise.all(calls);
        await service.stop();
      }
      await noMoreThan(before);
    });
  });
}

/** Sockets, servers, timers and threads that keep the process alive. */
function openResources(): Map<string, number> {
  const counts = new Map<string, number>();
  for (const kind of process.getActiveResourcesInfo()) {
    if (IGNORED.has(kind)) continue;
    counts.set(kind, (counts.get(kind) ?? 0) + 1);
  }
  return counts;
}

/** The test runner's own pipes and the resources of a single turn of the event loop. */
const IGNORED = new Set([
  'PipeWrap',
  'TTYWrap',
  'Immediate',
  'CloseReq',
  'FSReqPromise',
  'FSReqCallback',
  'TickObject',
]);

/**
 * Node closes handles in a later turn of the event loop than the one that reports the close, so this looks again for
 * some turns before it fails.
 */
async function noMoreThan(before: Map<string, number>): Promise<void> {
  let left = excess(before);
  for (let turn = 0; turn < 100 && left.length > 0; turn++) {
    await new Promise(setImmediate);
    left = excess(before);
  }
  assert.deepEqual(left, [], 'resources left behind after stop');
}

function excess(before: Map<string, number>): readonly string[] {
  return [...openResources()]
    .filter(([kind, count]) => count > (before.get(kind) ?? 0))
    .map(([kind, count]) => `${kind} ${count}`);
}
