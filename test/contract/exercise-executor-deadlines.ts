import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DONE, OTHER } from '../../src/batch/ledger.ts';
import type { MessageProperties } from '../../src/batch/message-properties.ts';
import type { PackedOutcome } from '../../src/batch/outcome-packer.ts';
import type { BatchMessage } from '../support/make-batch.ts';
import { until } from '../support/until.ts';
import { call, type ExecutorRig } from './executor-rig.ts';

type Summary = [index: number, kind: string, code: string | undefined, delayMs: number | undefined];

function summary({ index, kind, error, delayMs }: PackedOutcome): Summary {
  return [index, kind, error?.code, delayMs];
}

/** Postponing and giving up: what a task says itself. Needs the tasks of deadlines.ts. */
export function exercisePostponing(rig: ExecutorRig): void {
  test('retryLater, snooze and discard mean the same however they are given, and harm no neighbour', async () => {
    const ways = ['return', 'throw', 'resolve', 'reject'];
    for (const type of ['saying', 'rows-saying']) {
      for (const by of ways) {
        const says = ['retry-later', 'insert', 'snooze', 'discard'];
        const ran = await rig.run(says.map((say) => call(type, { say, by }, `${type}-${by}-${say}`)));
        assert.deepEqual(
          ran.others.map(summary),
          [
            [0, 'failed', 'E_TASK_RETRY_LATER', 90_000],
            [2, 'snoozed', undefined, 120_000],
            [3, 'discarded', undefined, undefined],
          ],
          `${type} ${by}`,
        );
        assert.equal(ran.others[0]?.error?.message, 'the upstream is busy');
        assert.equal(ran.others[2]?.reason, 'nobody wants it');
        assert.deepEqual(ran.states, [OTHER, DONE, OTHER, OTHER]);
        assert.ok(rig.store.find('seen', `${type}-${by}-insert`));
      }
    }
  });

  test('an outcome that a batch task throws is that of all its rows', async () => {
    const ran = await rig.run([call('rows-all-snoozed'), call('rows-all-snoozed')]);
    assert.deepEqual(ran.others.map(summary), [
      [0, 'snoozed', undefined, 120_000],
      [1, 'snoozed', undefined, 120_000],
    ]);
  });

  test('a delay that is none fails the task with E_TASK_OUTCOME', async () => {
    const outcome = await rig.outcomeOf('bad-delay');
    assert.equal(outcome?.error?.code, 'E_TASK_OUTCOME');
    assert.match(outcome?.error?.message ?? '', /the delay must be a duration.*got "5 s"/);
  });

  test('an error says itself when to try again, and what cannot be read is ignored', async () => {
    assert.equal((await rig.outcomeOf('asking', { retryAfter: '5s' }))?.delayMs, 5_000);
    assert.equal((await rig.outcomeOf('asking', { retryAfter: '5' }))?.delayMs, 5_000);
    const odd = await rig.outcomeOf('asking', { retryAfter: { soon: true } });
    assert.deepEqual([odd?.kind, odd?.error?.message, odd?.delayMs], ['failed', 'busy', undefined]);
  });
}

/** Timeouts and start deadlines: what a task is given. Needs the tasks of deadlines.ts. */
export function exerciseDeadlines(rig: ExecutorRig): void {
  test('at its timeout the signal of an async task aborts, and what it then throws is a timeout', async () => {
    const ran = await rig.run([
      call('hanging', { after: 'give-up' }),
      call('nothing'),
      call('hanging', { after: 'fail' }),
      call('hanging', { after: 'retry-later' }),
      call('hanging', { after: 'snooze' }),
      call('hanging', { after: 'finish' }, 'finished-late'),
    ]);
    assert.deepEqual(ran.others.map(summary), [
      [0, 'timed-out', 'E_TASK_TIMEOUT', undefined],
      [2, 'timed-out', 'E_TASK_TIMEOUT', undefined],
      [3, 'timed-out', 'E_TASK_TIMEOUT', 90_000],
      [4, 'snoozed', undefined, 120_000],
    ]);
    const [gaveUp, failed] = ran.others;
    assert.match(gaveUp?.error?.message ?? '', /^the task ran for \d+ms; its timeout is 30ms$/);
    assert.equal(gaveUp?.error?.cause, undefined);
    assert.deepEqual([failed?.error?.cause?.name, failed?.error?.cause?.message], ['RangeError', 'something else']);
    assert.deepEqual(ran.states, [OTHER, DONE, OTHER, OTHER, OTHER, DONE]);
    const seen = rig.store.find('seen', 'finished-late');
    assert.equal(seen?.['code'], 'E_TASK_TIMEOUT', 'what ends in time after all has succeeded');
    assert.match(String(seen['message']), /its timeout is 30ms$/);
  });

  test('a timeout is the affair of its task alone, and an abort is none', async () => {
    const begun = rig.lines.length;
    const running = rig.run([call('patient'), call('hanging', { after: 'give-up' }), call('looking')]);
    const first = await rig.run([call('hanging', { after: 'give-up' })]);
    assert.deepEqual(
      first.others.map(({ kind }) => kind),
      ['timed-out'],
    );
    await until('the task has begun', () => rig.lines.slice(begun).some((line) => line.message === 'begun'));
    rig.executor.abort();
    const [patient, hanging] = (await running).others;
    assert.deepEqual([patient?.index, patient?.kind], [0, 'interrupted']);
    assert.equal(hanging?.index, 1);
  });

  test('a signal that is asked for after the timeout is aborted already', async () => {
    const outcome = await rig.outcomeOf('looking');
    assert.deepEqual([outcome?.kind, outcome?.error?.code], ['timed-out', 'E_TASK_TIMEOUT']);
  });

  test('the rows of a batch task time out together', async () => {
    const ran = await rig.run([
      call('rows-hanging', { after: 'fail' }),
      call('rows-hanging', { after: 'finish' }),
      call('rows-hanging', { after: 'fail' }),
    ]);
    assert.deepEqual(ran.others.map(summary), [
      [0, 'timed-out', 'E_TASK_TIMEOUT', undefined],
      [2, 'timed-out', 'E_TASK_TIMEOUT', undefined],
    ]);
    assert.equal(new Set([0, 1, 2].map((row) => ran.ledger.lastMomentMs(row))).size, 1);
  });

  test('a context tells the moment of its timeout, the same whenever asked', async () => {
    await rig.run([call('telling-deadline', {}, 'told'), call('rows-telling-deadline', {}, 'row-told')]);
    const { deadline, again, now } = rig.store.find('seen', 'told') as Record<string, number>;
    assert.equal(deadline, again);
    const leftMs = Number(deadline) - Number(now);
    assert.ok(leftMs <= 300_000 + 1 && leftMs > 240_000, `${leftMs} ms left of 5 minutes`);
    const row = rig.store.find('seen', 'row-told') as Record<string, number>;
    assert.equal(row['deadline'], row['own']);
  });

  test('every claim leaves a start and a last moment, timeout and grace later, and the batch its thread’s heap', async () => {
    const ran = await rig.run([call('nothing'), call('hanging', { after: 'finish' }), call('no-such-task')]);
    const allowed = [0, 1].map((record) => ran.ledger.lastMomentMs(record) - ran.ledger.startedAtMs(record));
    assert.deepEqual(allowed, [902_000, 600_030]);
    assert.equal(ran.ledger.lastMomentMs(2), 0, 'there was nothing to run');
    assert.ok(ran.ledger.heapMiB > 0);
    assert.ok((await rig.run([call('nothing')])).ledger.heapMiB > 0, 'every batch says what was seen last');
  });

  test('a message that is too old is not run, before its first attempt, and says how old it is', async () => {
    const now = Math.floor(Date.now() / 1000);
    const sent = (type: string, id: string, properties: MessageProperties): BatchMessage => ({
      properties: { type, messageId: id, ...properties },
      body: '{}',
    });
    const startBy = (ms: number): MessageProperties => ({ headers: { tenant: 'a', 'x-start-by': Date.now() + ms } });
    const ran = await rig.run([
      sent('fresh', 'old', { timestamp: now - 100 }),
      sent('fresh', 'young', { timestamp: now - 10 }),
      sent('fresh', 'future', { timestamp: now + 1_000 }),
      sent('fresh', 'timeless', {}),
      sent('fresh', 'retried', { timestamp: now - 100, headers: { 'x-attempt': 2, 'x-start-by': 1 } }),
      sent('nothing', 'too-late', startBy(-5_000)),
      sent('nothing', 'in-time', startBy(60_000)),
      sent('rows-fresh', 'old-row', { timestamp: now - 100 }),
      sent('rows-fresh', 'young-row', { timestamp: now }),
    ]);
    assert.deepEqual(ran.others.map(summary), [
      [0, 'expired', 'E_TASK_EXPIRED', undefined],
      [5, 'expired', 'E_TASK_EXPIRED', undefined],
      [7, 'expired', 'E_TASK_EXPIRED', undefined],
    ]);
    assert.match(ran.others[0]?.error?.message ?? '', /started within 1m, and was picked up when it was \d+s old/);
    assert.match(ran.others[1]?.error?.message ?? '', /had to be started by 2.*Z, and was picked up \d+s after that/);
    assert.equal(ran.handlerCalls, 6, 'five alone and the row that is left');
    for (const id of ['young', 'future', 'timeless', 'retried']) assert.ok(rig.store.find('seen', id), id);
    assert.equal(rig.store.find('seen', 'old'), undefined);
    assert.equal(rig.store.find('seen', 'young-row')?.['together'], 1);
  });
}
