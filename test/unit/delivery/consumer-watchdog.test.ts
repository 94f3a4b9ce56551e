import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import type { Consumer } from '../../../src/broker/broker.ts';
import { ConsumerWatchdog, type WatchedLane } from '../../../src/delivery/consumer-watchdog.ts';
import { RuntimeError } from '../../../src/errors/runtime-error.ts';

const INTERVAL_MS = 30_000;

class Lane implements WatchedLane {
  readonly queue: { readonly name: string };
  readonly prefetch = { current: 100 };
  readonly resizes: number[] = [];
  readonly consumer: Consumer;
  deliveries = 0;
  held = 0;
  epoch = 1;
  /** Messages the broker says are ready; an error: it does not say. */
  ready: number | Error = 0;
  whenResized: () => Promise<void> = () => Promise.resolve();

  constructor(name: string) {
    this.queue = { name };
    const { resizes } = this;
    const epoch = (): number => this.epoch;
    const resized = (): Promise<void> => this.whenResized();
    this.consumer = {
      queue: name,
      get epoch() {
        return epoch();
      },
      staleAcks: 0,
      ack: () => undefined,
      nack: () => undefined,
      flush: () => undefined,
      cancel: () => Promise.resolve(),
      close: () => Promise.resolve(),
      adjust: () => Promise.resolve(),
      resize: (prefetch) => {
        resizes.push(prefetch);
        return resized();
      },
    };
  }
}

class Rig {
  readonly lines: { level: string; fields: Record<string, unknown>; message: string }[] = [];
  readonly asked: string[] = [];
  readonly watchdog: ConsumerWatchdog;
  paused = false;
  whenAsked: () => void = () => undefined;
  readonly #mock: TestContext['mock'];

  constructor(t: TestContext, lanes: readonly Lane[]) {
    this.#mock = t.mock;
    this.#mock.timers.enable({ apis: ['setTimeout'] });
    const at =
      (level: string) =>
      (fields: object, message: string): void => {
        this.lines.push({ level, fields: { ...fields }, message });
      };
    this.watchdog = new ConsumerWatchdog({
      lanes,
      logger: { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') },
      intervalMs: INTERVAL_MS,
      paused: () => this.paused,
      broker: {
        readyCount: async (name) => {
          this.asked.push(name);
          this.whenAsked();
          const { ready } = lanes.find(({ queue }) => queue.name === name) as Lane;
          if (typeof ready === 'number') return ready;
          throw ready;
        },
      },
    });
    this.watchdog.start();
    t.after(() => this.watchdog.stop());
  }

  /** Lets so many intervals pass, each with all that follows from it. */
  async pass(intervals: number): Promise<void> {
    for (let n = 0; n < intervals; n++) {
      this.#mock.timers.tick(INTERVAL_MS);
      await new Promise(setImmediate);
    }
  }
}

describe('ConsumerWatchdog', () => {
  it('makes a consumer anew that got nothing at two looks in a row while its queue had messages, and says so', async (t) => {
    const lane = new Lane('calls');
    lane.ready = 5;
    const rig = new Rig(t, [lane]);
    await rig.pass(2);
    assert.deepEqual(lane.resizes, [], 'one look finds a queue that has just been filled');
    await rig.pass(1);
    assert.deepEqual(lane.resizes, [100]);
    assert.equal(rig.watchdog.recreated, 1);
    assert.deepEqual(rig.lines, [
      {
        level: 'warn',
        fields: { queue: 'calls' },
        message: "queue 'calls' has messages and its consumer gets none: it is made anew",
      },
    ]);
  });

  it('lets a consumer be whose queue is empty, or only was not at every other look', async (t) => {
    const [empty, flickering] = [new Lane('empty'), new Lane('flickering')];
    const rig = new Rig(t, [empty, flickering]);
    await rig.pass(1);
    for (let n = 0; n < 6; n++) {
      flickering.ready = n % 2;
      await rig.pass(1);
    }
    assert.equal(rig.watchdog.recreated, 0);
    assert.equal(rig.asked.length, 12);
  });

  it('does not even ask while messages come, are held, or while there is no epoch', async (t) => {
    const [fed, holding, apart] = [new Lane('fed'), new Lane('holding'), new Lane('apart')];
    holding.held = 1;
    apart.epoch = 0;
    for (const lane of [fed, holding, apart]) lane.ready = 5;
    const rig = new Rig(t, [fed, holding, apart]);
    for (let n = 0; n < 5; n++) {
      fed.deliveries += 10;
      await rig.pass(1);
    }
    assert.deepEqual(rig.asked, []);
    assert.equal(rig.watchdog.recreated, 0);
  });

  it('does nothing while it is us who read nothing, and begins to count anew afterwards', async (t) => {
    const lane = new Lane('calls');
    lane.ready = 5;
    const rig = new Rig(t, [lane]);
    await rig.pass(2);
    rig.paused = true;
    await rig.pass(5);
    rig.paused = false;
    await rig.pass(1);
    assert.deepEqual(lane.resizes, []);
    await rig.pass(1);
    assert.deepEqual(lane.resizes, [100]);
  });

  it('believes a delivery, a new epoch or a pause that came while it asked', async (t) => {
    const changes: readonly ((lane: Lane, rig: Rig) => void)[] = [
      (lane) => lane.deliveries++,
      (lane) => lane.epoch++,
      (_lane, rig) => {
        rig.paused = true;
      },
    ];
    for (const change of changes) {
      const lane = new Lane('calls');
      lane.ready = 5;
      const rig = new Rig(t, [lane]);
      await rig.pass(2);
      rig.whenAsked = () => change(lane, rig);
      await rig.pass(1);
      assert.deepEqual(lane.resizes, []);
      rig.watchdog.stop();
      t.mock.timers.reset();
    }
  });

  it('leaves out a look at which the broker does not say, and goes on with the other queues', async (t) => {
    const [gone, hungry] = [new Lane('gone'), new Lane('hungry')];
    gone.ready = new RuntimeError('E_BROKER_QUEUE_MISSING', 'there is none');
    hungry.ready = 1;
    const rig = new Rig(t, [gone, hungry]);
    await rig.pass(3);
    assert.deepEqual([gone.resizes, hungry.resizes], [[], [100]]);
    assert.deepEqual(
      rig.lines.filter(({ level }) => level === 'debug').map(({ fields }) => [fields['queue'], fields['code']]),
      [
        ['gone', 'E_BROKER_QUEUE_MISSING'],
        ['gone', 'E_BROKER_QUEUE_MISSING'],
      ],
    );
    gone.ready = 1;
    await rig.pass(2);
    assert.deepEqual(gone.resizes, [100]);
  });

  it('gives a consumer that gets nothing all the same twice the time each time, until it is fed', async (t) => {
    const lane = new Lane('calls');
    lane.ready = 5;
    const rig = new Rig(t, [lane]);
    await rig.pass(1);
    const remade: number[] = [];
    for (let look = 1; look <= 30; look++) {
      const before = lane.resizes.length;
      await rig.pass(1);
      if (lane.resizes.length > before) remade.push(look);
    }
    assert.deepEqual(remade, [2, 6, 14, 30]);
    lane.deliveries++;
    await rig.pass(3);
    assert.equal(lane.resizes.length, 5);
  });

  it('looks at the other queues though the broker does not answer while a consumer is made anew', async (t) => {
    const [silent, other] = [new Lane('silent'), new Lane('other')];
    silent.ready = 1;
    silent.whenResized = () => new Promise(() => undefined);
    const rig = new Rig(t, [silent, other]);
    await rig.pass(3);
    other.ready = 1;
    await rig.pass(10);
    assert.deepEqual([silent.resizes.length, other.resizes.length > 0], [1, true]);
  });

  it('says that a consumer could not be made anew, and looks at it again', async (t) => {
    const lane = new Lane('calls');
    lane.ready = 1;
    const failure = new RuntimeError('E_BROKER_ACCESS', 'refused');
    lane.whenResized = () => Promise.reject(failure);
    const rig = new Rig(t, [lane]);
    await rig.pass(3);
    assert.equal(rig.lines.at(-1)?.message, "the consumer of 'calls' could not be made anew; it is looked at again");
    assert.equal(rig.lines.at(-1)?.fields['error'], failure);
    await rig.pass(4);
    assert.equal(lane.resizes.length, 2);
  });

  it('does nothing after stop, also when that comes while it asks', async (t) => {
    const lane = new Lane('calls');
    lane.ready = 1;
    const rig = new Rig(t, [lane]);
    await rig.pass(2);
    rig.whenAsked = () => rig.watchdog.stop();
    await rig.pass(10);
    assert.equal(rig.asked.length, 2);
    assert.deepEqual(lane.resizes, []);
  });
});
