import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import fc from 'fast-check';
import { withinWindow } from '../../../bench/contenders/publish/within-window.ts';

test('every item is sent once, in order, with never more than the window unsettled', async () => {
  const order = fc.record({
    items: fc.nat(60),
    window: fc.integer({ min: 1, max: 9 }),
    batch: fc.integer({ min: 1, max: 5 }),
  });
  await fc.assert(
    fc.asyncProperty(order, async ({ items, window, batch }) => {
      const sent: number[] = [];
      const open: (() => void)[] = [];
      let most = 0;
      const all = withinWindow(Array.from({ length: items }).keys(), window, (item, settled) => {
        sent.push(item);
        open.push(() => settled());
        most = Math.max(most, open.length);
      });
      const state = { over: false };
      const end = all.then(() => {
        state.over = true;
      });
      while (!state.over) {
        for (const settle of open.splice(0, batch)) settle();
        await turn();
      }
      await end;
      assert.deepEqual(sent, [...Array.from({ length: items }).keys()]);
      assert.equal(open.length, 0);
      assert.ok(most <= window);
    }),
    { numRuns: 30 },
  );
});

test('an item that is settled at once counts too', async () => {
  let sent = 0;
  await withinWindow([1, 2, 3], 1, (_, settled) => {
    sent++;
    settled();
  });
  assert.equal(sent, 3);
});

test('the first error ends it, and nothing more is sent', async () => {
  const sent: number[] = [];
  const sending = withinWindow([1, 2, 3, 4], 2, (item, settled) => {
    sent.push(item);
    if (item === 2) setImmediate(settled, new Error('refused'));
  });
  await assert.rejects(sending, /refused/);
  assert.deepEqual(sent, [1, 2]);
});
