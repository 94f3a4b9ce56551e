/**
 * What the soak does to the system. Each fault says in one line what has shown that it happened, and throws where that
 * cannot be seen; when it returns, whatever it broke works again or is about to recover by itself.
 */
import { setTimeout as wait } from 'node:timers/promises';
import type { TcpProxy } from '../../test/support/tcp-proxy.ts';
import type { PlannedKind } from './fault-plan.ts';
import { lookUntil, manage, type SoakRig, SPARE_QUEUE } from './soak-rig.ts';

export interface SoakFault extends PlannedKind {
  inject(rig: SoakRig): Promise<string>;
}

/** Ends the connections of a link and waits until one is made again. */
async function reset(link: TcpProxy): Promise<string> {
  const { connections, accepted } = link;
  if (connections === 0) throw new Error('there is no connection to reset');
  link.resetAll();
  await lookUntil('a connection is made again', () => link.accepted > accepted);
  return `${connections} connections reset`;
}

/** Resets the connection that carries a certain byte: what was on its way with it is lost. */
async function cut(link: TcpProxy, direction: 'to-server' | 'to-client', bytes: number): Promise<string> {
  const { accepted } = link;
  link.cutAfter(direction, bytes);
  await lookUntil('a connection is made again', () => link.accepted > accepted);
  return `cut ${direction} after ${bytes} bytes`;
}

async function slow(link: TcpProxy, { random }: SoakRig): Promise<string> {
  const [bytes, rate] = [random.integer(1, 2_000), random.integer(20_000, 200_000)];
  const before = link.pieces('to-server') + link.pieces('to-client');
  link.slice(bytes);
  link.throttle(rate);
  await wait(random.integer(1_000, 4_000)); // the fault's length
  link.slice(Infinity);
  link.throttle(Infinity);
  const pieces = link.pieces('to-server') + link.pieces('to-client') - before;
  if (pieces === 0) throw new Error('nothing passed the slow link');
  return `${pieces} pieces of up to ${bytes} bytes at ${rate} bytes/s`;
}

/** The broker goes away and comes back in a way of the caller's. */
async function brokerAway(rig: SoakRig, away: () => Promise<void>): Promise<string> {
  const before = rig.crew.totals.reconnects;
  await away();
  await lookUntil('the workers are back', () => rig.crew.totals.reconnects > before, 60_000);
  return `${rig.crew.totals.reconnects - before} reconnects`;
}

async function storeAway(rig: SoakRig, away: () => Promise<void>): Promise<string> {
  const { accepted } = rig.storeLink;
  await away();
  await lookUntil('the workers reach the store again', () => rig.storeLink.accepted > accepted, 60_000);
  return `${rig.storeLink.accepted - accepted} connections made again`;
}

async function memoryAlarm(rig: SoakRig): Promise<string> {
  const alarmed = async (): Promise<boolean> =>
    (await manage<{ mem_alarm: boolean }[]>(rig, 'nodes')).some((node) => node.mem_alarm);
  await rig.rabbit.ctl('set_vm_memory_high_watermark', '0.00001');
  await lookUntil('the alarm is on', alarmed);
  await wait(rig.random.integer(500, 3_000)); // the fault's length
  await rig.rabbit.ctl('set_vm_memory_high_watermark', '0.6');
  await lookUntil('the alarm is off', async () => !(await alarmed()));
  return 'the node reported the alarm';
}

/** As an operator does. The broker lists a new connection only with its next round of statistics. */
async function closeConnection(rig: SoakRig): Promise<string> {
  type Listed = { readonly name: string; readonly user_provided_name?: string };
  let listed: Listed[] = [];
  await lookUntil('a connection is listed', async () => {
    listed = await manage<Listed[]>(rig, 'connections');
    return listed.length > 0;
  });
  const victim = rig.random.pick(listed);
  try {
    await manage(rig, `connections/${encodeURIComponent(victim.name)}`, 'DELETE');
  } catch (error) {
    if (!String(error).includes('404')) throw error;
    return closeConnection(rig); // it had ended before
  }
  return `closed '${victim.user_provided_name}'`;
}

/**
 * Consumers are cancelled by the server, the queue is declared again by the next send. It is empty, also for the broker's
 * statistics, which are five seconds old, so nothing is lost.
 */
async function deleteQueue(rig: SoakRig): Promise<string> {
  const path = `queues/%2F/${SPARE_QUEUE}`;
  await rig.producer.sendNow('insert', 20, SPARE_QUEUE); // declares it where it is missing
  let emptySince = Infinity;
  await lookUntil('the spare queue is empty', async () => {
    const { messages } = await manage<{ messages?: number }>(rig, path);
    emptySince = messages === 0 ? Math.min(emptySince, performance.now()) : Infinity;
    return performance.now() - emptySince > 6_000;
  });
  await manage(rig, path, 'DELETE');
  await rig.crew.until('a consumer is cancelled', ({ interrupted }) => interrupted.length > 0, 'one');
  await rig.producer.sendNow('insert', 20, SPARE_QUEUE);
  return 'a worker said that its queue has no consumer';
}

async function killThreads(rig: SoakRig): Promise<string> {
  const before = rig.crew.totals.exits;
  await rig.producer.sendNow('killer', 3);
  await lookUntil('a thread has ended', () => rig.crew.totals.exits > before, 60_000);
  return 'threads ended';
}

async function stall(rig: SoakRig): Promise<string> {
  const worker = rig.random.pick(rig.crew.workers);
  await worker.running();
  const ms = rig.random.integer(2_500, 7_000); // heartbeats are every 2 s, twice that is given up
  await worker.obey({ order: 'stall', ms });
  return `main thread busy for ${ms} ms`;
}

async function shiftClock(rig: SoakRig): Promise<string> {
  const worker = rig.random.pick(rig.crew.workers);
  await worker.running();
  const hours = rig.random.pick([-48, -3, 3, 48]);
  await worker.obey({ order: 'clock', shiftMs: hours * 3_600_000 });
  const off = (now: number): number => Math.abs(now - Date.now() - hours * 3_600_000);
  await worker.until('its clock has moved', (stats) => stats !== undefined && off(stats.now) < 60_000);
  await wait(2_000); // the fault's length
  await worker.obey({ order: 'clock', shiftMs: 0 });
  return `${hours} hours`;
}

async function replace(
  { crew, random }: SoakRig,
  ...[how, expected]: readonly ['SIGTERM' | 'SIGKILL' | 'twice', number | string]
): Promise<string> {
  const end = await crew.replace(random, async (worker) => {
    if (how === 'SIGKILL') await worker.kill();
    else worker.signal('SIGTERM');
    if (how === 'twice') {
      await worker.until('it drains', (stats) => stats?.state !== 'running').catch(() => undefined); // it may be faster
      worker.signal('SIGTERM');
    }
    return await worker.exited;
  });
  // A worker that had drained before the second signal came has ended well.
  const got = end.signal ?? end.code;
  if (got !== expected && !(how === 'twice' && got === 0)) throw new Error(`ended with ${got}, not ${expected}`);
  return `ended with ${got}`;
}

export const SOAK_FAULTS: readonly SoakFault[] = [
  { kind: 'worker SIGKILL', weight: 12, least: 12, inject: (rig) => replace(rig, 'SIGKILL', 'SIGKILL') },
  { kind: 'worker SIGTERM', weight: 8, least: 8, inject: (rig) => replace(rig, 'SIGTERM', 0) },
  { kind: 'worker SIGTERM twice', weight: 3, least: 2, inject: (rig) => replace(rig, 'twice', 143) },
  { kind: 'worker link reset', weight: 14, least: 10, inject: (rig) => reset(rig.workerLink) },
  { kind: 'producer link reset', weight: 8, least: 6, inject: (rig) => reset(rig.producerLink) },
  { kind: 'store link reset', weight: 8, least: 6, inject: (rig) => reset(rig.storeLink) },
  {
    kind: 'worker link half-open',
    weight: 4,
    least: 3,
    inject: async (rig) => {
      rig.workerLink.blackHole();
      await rig.crew.until('the silence is noticed', ({ broker }) => broker !== 'connected', 'one');
      await rig.workerLink.resume();
      return 'a worker gave its connection up';
    },
  },
  { kind: 'worker link slow and sliced', weight: 4, least: 3, inject: (rig) => slow(rig.workerLink, rig) },
  {
    kind: 'acks lost',
    weight: 10,
    least: 8,
    inject: (rig) => cut(rig.workerLink, 'to-server', rig.random.integer(1, 2_000)),
  },
  {
    kind: 'confirms lost',
    weight: 8,
    least: 6,
    inject: (rig) => cut(rig.producerLink, 'to-client', rig.random.integer(1, 2_000)),
  },
  {
    kind: 'store answers lost',
    weight: 8,
    least: 6,
    inject: (rig) => cut(rig.storeLink, 'to-client', rig.random.integer(1, 2_000)),
  },
  { kind: 'broker restart', weight: 0, least: 4, inject: (rig) => brokerAway(rig, () => rig.rabbit.restart()) },
  {
    kind: 'broker SIGKILL',
    weight: 0,
    least: 3,
    inject: (rig) =>
      brokerAway(rig, async () => {
        await rig.rabbit.kill();
        await rig.rabbit.start();
      }),
  },
  {
    kind: 'broker frozen',
    weight: 2,
    least: 2,
    inject: async (rig) => {
      rig.rabbit.freeze();
      await rig.crew
        .until('the silence is noticed', ({ broker }) => broker !== 'connected', 'one')
        .finally(() => {
          rig.rabbit.thaw();
        });
      return 'a worker gave its connection up';
    },
  },
  { kind: 'memory alarm', weight: 1, least: 2, inject: memoryAlarm },
  { kind: 'connection closed by the operator', weight: 8, least: 6, inject: closeConnection },
  { kind: 'queue deleted', weight: 3, least: 3, inject: deleteQueue },
  {
    kind: 'store SIGKILL',
    weight: 4,
    least: 3,
    inject: (rig) =>
      storeAway(rig, async () => {
        await rig.mongo.kill();
        await rig.mongo.start();
      }),
  },
  { kind: 'store restart', weight: 3, least: 2, inject: (rig) => storeAway(rig, () => rig.mongo.restart()) },
  {
    kind: 'store frozen',
    weight: 4,
    least: 3,
    inject: async (rig) => {
      rig.mongo.freeze();
      await rig.crew
        .until('a worker pauses', ({ paused }) => paused !== undefined, 'one')
        .finally(() => {
          rig.mongo.thaw();
        });
      return 'a worker paused';
    },
  },
  { kind: 'threads killed', weight: 6, least: 4, inject: killThreads },
  { kind: 'main thread stalled', weight: 3, least: 3, inject: stall },
  { kind: 'clock moved', weight: 3, least: 3, inject: shiftClock },
];
