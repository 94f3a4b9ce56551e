import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Consumer, DeliverySink, RawDelivery } from '../../../src/broker/broker.ts';
import { ScanWindow } from '../../../src/dead-letters/scan-window.ts';

const OWNER = { take: () => {}, readEnded: () => {}, lost: () => {} };

/** A channel's unacked list, which refuses what RabbitMQ refuses. */
class Unacked {
  readonly open = new Set<number>();
  acks = 0;

  readonly consumer = {
    ack: (_epoch: number, tag: number, multiple: boolean): void => {
      assert.ok(this.open.has(tag), `406 unknown delivery tag ${tag}`);
      this.acks++;
      for (const each of multiple ? [...this.open].filter((other) => other <= tag) : [tag]) this.open.delete(each);
    },
    flush: (): void => {},
    cancel: async (): Promise<void> => {},
    close: async (): Promise<void> => {},
  };
}

async function openWindow(letters: number): Promise<{ readonly window: ScanWindow; readonly unacked: Unacked }> {
  const unacked = new Unacked();
  const window = new ScanWindow(OWNER, letters);
  const consume = async (_: unknown, sink: DeliverySink): Promise<Consumer> => {
    sink.epochOpened(1);
    return unacked.consumer as unknown as Consumer;
  };
  await window.open({ consume }, 'q');
  for (let tag = 1; tag <= letters; tag++) {
    unacked.open.add(tag);
    window.deliver({ tag } as RawDelivery);
  }
  return { window, unacked };
}

test('what is removed is acked, what is kept is not, in whatever order they are decided', async (context) => {
  context.mock.timers.enable({ apis: ['setTimeout'] });
  const fates = fc.uniqueArray(fc.nat({ max: 29 }), { minLength: 30, maxLength: 30 });
  const plan = fc.record({
    order: fates,
    kept: fc.array(fc.boolean(), { minLength: 30, maxLength: 30 }),
    pauses: fc.array(fc.boolean(), { minLength: 30, maxLength: 30 }),
  });
  await fc.assert(
    fc.asyncProperty(plan, async ({ order, kept, pauses }) => {
      const { window, unacked } = await openWindow(30);
      const stay: number[] = [];
      for (const index of order) {
        const tag = index + 1;
        if (kept[index] === true) {
          window.keep(tag);
          stay.push(tag);
        } else assert.equal(window.remove(tag), true);
        if (pauses[index] === true) context.mock.timers.tick(10);
      }
      await window.close();
      const left = [...unacked.open].sort((a, b) => a - b);
      assert.deepEqual(
        left,
        stay.sort((a, b) => a - b),
      );
      assert.equal(window.held, unacked.open.size);
      assert.equal(window.remove(1), false, 'too late');
    }),
  );
});

test('where all go, one ack takes them', async () => {
  const { window, unacked } = await openWindow(1_000);
  for (let tag = 1_000; tag >= 1; tag--) window.remove(tag);
  await window.close();
  assert.deepEqual([unacked.acks, unacked.open.size], [1, 0]);
});
