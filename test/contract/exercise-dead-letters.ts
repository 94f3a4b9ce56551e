import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { deadQueueName } from '../../src/broker/topology.ts';
import type { DeadLetter } from '../../src/dead-letters/dead-letter.ts';
import type { DeadLetterQueue } from '../../src/dead-letters/dead-letter-queue.ts';
import { isRuntimeError } from '../../src/errors/runtime-error.ts';
import { type BrokerRig, BrokerTrial, consume, rejectsWith, toQueue } from './broker-rig.ts';
import { bodyOf, idsOf, LetterBox, letters, openLetters } from './letter-box.ts';

const LIMIT_MS = 60_000;

type LetterCase = readonly [behaviour: string, proof: (trial: BrokerTrial) => Promise<void>];

const listCases: readonly LetterCase[] = [
  [
    'lists from the front of the queue and leaves everything as it was',
    async (trial) => {
      const box = await LetterBox.make(trial);
      await box.write(letters(5));
      const listed: DeadLetter[] = [];
      for await (const letter of box.letters.list()) listed.push(letter);
      assert.deepEqual(idsOf(listed), ['0', '1', '2', '3', '4']);
      assert.equal(Buffer.from(listed[0]?.body ?? []).toString(), bodyOf('0'));
      assert.deepEqual(
        [listed[0]?.task, listed[0]?.code, listed[0]?.queue, listed[0]?.attempts],
        ['resize', 'E_TASK_FAILED', box.queue, 3],
      );
      assert.deepEqual(await box.ids(), ['0', '1', '2', '3', '4']);
    },
  ],
  [
    'an empty queue has no letters, and a queue that is not there is an error',
    async (trial) => {
      const box = await LetterBox.make(trial);
      assert.deepEqual(await box.ids(), []);
      await rejectsWith(openLetters(box.broker, 'nobody').list().next(), 'E_BROKER_QUEUE_MISSING');
    },
  ],
  [
    'filters by task, code, age and id, all at once',
    async (trial) => {
      const box = await LetterBox.make(trial);
      await box.write([
        { id: 'a', task: 'resize', code: 'E_TASK_TIMEOUT', ageMs: 10_000_000 },
        { id: 'b', task: 'resize', code: 'E_TASK_FAILED', ageMs: 10_000_000 },
        { id: 'c', task: 'import', code: 'E_TASK_TIMEOUT', ageMs: 10_000_000 },
        { id: 'd', task: 'resize', code: 'E_TASK_TIMEOUT', ageMs: 0 },
      ]);
      const find = async (filter: Parameters<DeadLetterQueue['list']>[0]): Promise<string[]> => {
        const found: string[] = [];
        for await (const { id } of box.letters.list(filter)) found.push(id);
        return found;
      };
      assert.deepEqual(await find({ task: 'resize', code: 'E_TASK_TIMEOUT' }), ['a', 'd']);
      assert.deepEqual(await find({ task: 'resize', code: 'E_TASK_TIMEOUT', olderThan: '2h' }), ['a']);
      assert.deepEqual(await find({ newerThan: '2h' }), ['d']);
      assert.deepEqual(await find({ id: ['c', 'd', 'nobody'] }), ['c', 'd']);
      assert.equal((await box.letters.find('b'))?.code, 'E_TASK_FAILED');
      assert.equal(await box.letters.find('nobody'), undefined);
    },
  ],
  [
    'a loop that is left returns the letters, and the next operation can begin',
    async (trial) => {
      const box = await LetterBox.make(trial);
      await box.write(letters(50));
      for await (const { id } of box.letters.list()) if (id === '3') break;
      assert.equal(await box.letters.count(), 50);
      assert.equal((await box.ids()).length, 50);
    },
  ],
  [
    'a second operation while one is on is refused',
    async (trial) => {
      const box = await LetterBox.make(trial);
      await box.write(letters(3));
      const first = box.letters.list();
      await first.next();
      await rejectsWith(box.letters.drop(), 'E_STATE');
      await first.return();
      await box.ready(box.letters.deadQueue, 3);
      assert.equal((await box.letters.drop()).handled, 3);
    },
  ],
  ...(['quorum', 'classic'] as const).map(
    (type): LetterCase => [
      `finds the few that match at the end of 5,000 letters of a ${type} queue, and keeps the order of all`,
      async (trial) => {
        const box = await LetterBox.make(trial, type);
        const wanted = ['4990', '4995', '4999'];
        await box.write(letters(5_000, (id) => (wanted.includes(id) ? { task: 'rare' } : {})));
        const summary = await box.letters.replay({ task: 'rare' });
        assert.deepEqual([summary.seen, summary.matched, summary.handled, summary.ending], [5_000, 3, 3, 'complete']);
        assert.deepEqual(
          (await box.peek(box.queue, 3)).map(({ messageId }) => messageId),
          wanted,
        );
        await box.ready(box.letters.deadQueue, 4_997);
        assert.deepEqual(
          await box.ids(),
          letters(5_000)
            .map(({ id }) => id)
            .filter((id) => !wanted.includes(id)),
        );
      },
    ],
  ),
  [
    'a look at the first few leaves them the first, however often the letters were looked at',
    async (trial) => {
      const box = await LetterBox.make(trial);
      await box.write(letters(200));
      for (let look = 0; look < 3; look++) {
        const few: string[] = [];
        for await (const { id } of box.letters.list({}, { limit: 3 })) few.push(id);
        assert.deepEqual(few, ['0', '1', '2'], `look ${look}`);
        assert.equal((await box.ids()).length, 200);
      }
    },
  ],
  [
    'letters that come while it looks are left for the next look',
    async (trial) => {
      const box = await LetterBox.make(trial);
      await box.write(letters(10));
      const { broker } = box;
      const publisher = await broker.publisher({ window: 10 });
      const seen: string[] = [];
      for await (const { id } of box.letters.list({}, { limit: 1_000 })) {
        seen.push(id);
        assert.ok(seen.length <= 10, 'it does not look at what comes meanwhile');
        await publisher.publish(toQueue(box.letters.deadQueue, '{}', { messageId: `new-${id}` }));
      }
      assert.deepEqual(
        seen,
        letters(10).map(({ id }) => id),
      );
      await box.ready(box.letters.deadQueue, 20);
    },
  ],
  [
    'letters that somebody else is looking at do not hold it up',
    async (trial) => {
      const box = await LetterBox.make(trial);
      await box.write(letters(40));
      const other = await consume(await trial.connect(), box.letters.deadQueue, 20);
      await other.sink.received(20);
      await box.ready(box.letters.deadQueue, 20);
      const mine = box.letters.list({}, { limit: 1_000 });
      const first = await mine.next();
      assert.equal(first.done === false && first.value.id, '20');
      await other.consumer.close();
      const rest: string[] = [];
      for await (const { id } of mine) rest.push(id);
      assert.equal(rest.length, 19, 'the twenty that were ready at its start');
      await box.ready(box.letters.deadQueue, 40);
      assert.equal(new Set(await box.ids()).size, 40);
    },
  ],
  [
    'no look ever drops a letter, not even from a queue with a delivery limit',
    async (trial) => {
      const box = await LetterBox.make(trial);
      const queue = trial.name('limited');
      const dead = deadQueueName(queue);
      const args = { 'x-queue-type': 'quorum', 'x-delivery-limit': 20 };
      await trial.declare(box.broker, { queues: [{ name: dead, arguments: args }] });
      const publisher = await box.broker.publisher({ window: 10 });
      for (const id of ['a', 'b', 'c'])
        await publisher.publish(toQueue(dead, bodyOf(id), { messageId: id, headers: { mine: id } }));
      const limited = openLetters(box.broker, queue);
      for (let look = 0; look < 50; look++) {
        await box.ready(dead, 3);
        const summary = await limited.replay({ task: 'other' });
        assert.equal(summary.seen, 3, `look ${look}`);
      }
      const left = await box.peek(dead, 3);
      assert.deepEqual(left.map(({ messageId }) => String(messageId)).sort(), ['a', 'b', 'c']);
      assert.deepEqual(left.map(({ headers }) => String(headers?.['mine'])).sort(), ['a', 'b', 'c']);
    },
  ],
];

const replayCases: readonly LetterCase[] = [
  [
    'a replayed message is the original one, sent anew',
    async (trial) => {
      const box = await LetterBox.make(trial);
      const headers = {
        tenant: 'blue',
        'x-history': [{ attempt: 1, at: '', outcome: 'failed', code: 'E', message: 'm', worker: 'w' }],
        'x-waits': 2,
        'x-start-by': 12,
        'x-replayed': 1,
        'x-delivery-count': 3,
      };
      await box.write([{ id: 'a', headers }]);
      const summary = await box.letters.replay();
      assert.deepEqual(summary.queues, { [box.queue]: 1 });
      const [message] = await box.peek(box.queue, 1);
      assert.deepEqual(message, {
        messageId: 'a',
        type: 'resize',
        contentType: 'application/json',
        deliveryMode: 2,
        headers: { tenant: 'blue', 'x-replayed': 2 },
      });
      await box.ready(box.letters.deadQueue, 0);
    },
  ],
  [
    'a dry run says what would be done and does nothing',
    async (trial) => {
      const box = await LetterBox.make(trial);
      await box.write(letters(20));
      const dry = await box.letters.replay({ id: ['3', '4', 'nobody'] }, { dryRun: true });
      assert.deepEqual([dry.dryRun, dry.handled, dry.queues, dry.missing], [true, 2, { [box.queue]: 2 }, ['nobody']]);
      await box.ready(box.letters.deadQueue, 20);
      assert.equal((await box.letters.drop({}, { dryRun: true })).handled, 20);
      await box.ready(box.letters.deadQueue, 20);
      await box.ready(box.queue, 0);
    },
  ],
  [
    'a limit replays the first ones only',
    async (trial) => {
      const box = await LetterBox.make(trial);
      await box.write(letters(20));
      const summary = await box.letters.replay({}, { limit: 5 });
      assert.deepEqual([summary.handled, summary.ending], [5, 'limit']);
      assert.deepEqual(
        (await box.peek(box.queue, 5)).map(({ messageId }) => messageId),
        ['0', '1', '2', '3', '4'],
      );
      await box.ready(box.letters.deadQueue, 15);
      assert.equal((await box.ids())[0], '5');
    },
  ],
  [
    'another queue can be named; one that is not there is refused before anything is sent',
    async (trial) => {
      const box = await LetterBox.make(trial);
      await box.write(letters(3));
      await rejectsWith(box.letters.replay({}, { to: 'nobody' }), 'E_BROKER_QUEUE_MISSING');
      await rejectsWith(box.letters.replay({}, { to: box.letters.deadQueue }), 'E_OPTION_RANGE');
      const other = await trial.queue(box.broker);
      assert.deepEqual((await box.letters.replay({}, { to: other })).queues, { [other]: 3 });
      await box.ready(other, 3);
      await box.ready(box.letters.deadQueue, 0);
    },
  ],
  [
    'a letter whose queue is gone is refused with the reason and stays; its neighbours go',
    async (trial) => {
      const box = await LetterBox.make(trial);
      await box.write(letters(10, (id) => (id === '4' ? { queue: 'gone' } : {})));
      const summary = await box.letters.replay();
      assert.deepEqual([summary.handled, summary.refusedCount], [9, 1]);
      assert.equal(summary.refused[0]?.id, '4');
      assert.match(summary.refused[0]?.reason ?? '', /no queue 'gone'/);
      await box.ready(box.letters.deadQueue, 1);
      assert.deepEqual(await box.ids(), ['4']);
    },
  ],
  [
    'a queue that takes no more ends the replay, with what was done, and nothing is lost',
    async (trial) => {
      const box = await LetterBox.make(trial);
      await box.write(letters(40));
      const full = await trial.queue(box.broker, { 'x-max-length': 10, 'x-overflow': 'reject-publish' });
      const error: unknown = await box.letters.replay({}, { to: full }).catch((rejected: unknown) => rejected);
      assert.ok(isRuntimeError(error, 'E_DEAD_LETTERS_INCOMPLETE'), String(error));
      const { summary } = error.details as { summary: { handled: number } };
      assert.ok(summary.handled >= 1 && summary.handled < 40, `${summary.handled} went`);
      await box.ready(full, summary.handled);
      await box.ready(box.letters.deadQueue, 40 - summary.handled);
    },
  ],
  [
    'an abort keeps what was confirmed and returns the rest; together they are all',
    async (trial) => {
      const box = await LetterBox.make(trial);
      await box.write(letters(3_000));
      const abort = new AbortController();
      const summary = await box.letters.replay(
        {},
        { signal: abort.signal, onProgress: ({ handled }) => handled >= 100 && abort.abort() },
      );
      assert.equal(summary.ending, 'aborted');
      assert.ok(summary.handled >= 100 && summary.handled < 3_000, `${summary.handled} went`);
      assert.equal(summary.doubtful, 0);
      const sent = await box.peek(box.queue, summary.handled);
      await box.ready(box.letters.deadQueue, 3_000 - summary.handled);
      const left = await box.ids();
      const all = new Set([...sent.map(({ messageId }) => messageId), ...left]);
      assert.deepEqual([all.size, sent.length + left.length], [3_000, 3_000]);
    },
  ],
  [
    'an abort while the broker takes nothing gives up what is on its way, and leaves every letter where it was',
    async (trial) => {
      const { blocking } = trial.rig;
      if (blocking === undefined) return;
      const box = await LetterBox.make(trial);
      await box.write(letters(30));
      blocking.block(box.broker, 'memory');
      const abort = new AbortController();
      const replaying = box.letters.replay({}, { signal: abort.signal });
      await box.ready(box.letters.deadQueue, 0);
      abort.abort();
      const summary = await replaying;
      assert.deepEqual([summary.handled, summary.doubtful, summary.ending], [0, 30, 'aborted']);
      assert.equal(await box.letters.count(), 30);
      blocking.unblock(box.broker);
      assert.equal((await box.letters.replay()).handled, 30);
      await box.ready(box.queue, 30);
    },
  ],
  [
    'a connection lost in the middle loses nothing; another replay finishes',
    async (trial) => {
      const box = await LetterBox.make(trial);
      await box.write(letters(2_000));
      let broken = false;
      const error: unknown = await box.letters
        .replay(
          {},
          {
            onProgress: ({ handled }) => {
              if (handled < 50 || broken) return;
              broken = true;
              setImmediate(() => trial.rig.breakConnection(box.broker));
            },
          },
        )
        .then(
          () => undefined,
          (rejected: unknown) => rejected,
        );
      assert.ok(broken);
      assert.ok(error === undefined || isRuntimeError(error, 'E_DEAD_LETTERS_INCOMPLETE'), String(error));
      const again = openLetters(await trial.connect(), box.queue);
      // The broker notices a moment later that the connection is gone; until then it holds what it had delivered.
      const deadline = performance.now() + 20_000;
      const sent = new Set<string | undefined>();
      while (sent.size < 2_000) {
        assert.ok(performance.now() < deadline, `${2_000 - sent.size} letters are missing`);
        await again.replay();
        const count = await box.broker.readyCount(box.queue);
        for (const { messageId } of await box.peek(box.queue, count)) sent.add(messageId);
      }
    },
  ],
  [
    'a drop removes what matches and nothing else',
    async (trial) => {
      const box = await LetterBox.make(trial);
      await box.write(letters(1_500, (id) => (Number(id) % 3 === 0 ? { code: 'E_TASK_TIMEOUT' } : {})));
      const progress: number[] = [];
      const summary = await box.letters.drop(
        { code: 'E_TASK_TIMEOUT' },
        { onProgress: ({ handled }) => void progress.push(handled) },
      );
      assert.deepEqual([summary.seen, summary.handled, summary.ending], [1_500, 500, 'complete']);
      assert.equal(progress.at(-1), 500);
      await box.ready(box.letters.deadQueue, 1_000);
      assert.ok((await box.ids()).every((id) => Number(id) % 3 !== 0));
    },
  ],
  [
    'what was removed is gone when the call resolves, and nothing else is, however many there were',
    async (trial) => {
      for (let turn = 0; turn < 4; turn++) {
        const box = await LetterBox.make(trial);
        await box.write(letters(200, (id) => (Number(id) % 2 === 0 ? { task: 'even' } : {})));
        assert.equal((await box.letters.drop({ task: 'even' })).handled, 100);
        assert.equal(await box.letters.count(), 100);
        assert.equal((await box.letters.replay()).handled, 100);
        assert.equal(await box.letters.count(), 0);
      }
    },
  ],
  [
    'what the broker itself dead-lettered is listed with its reason and can be replayed',
    async (trial) => {
      const box = await LetterBox.make(trial, 'classic');
      const publisher = await box.broker.publisher({ window: 10 });
      await publisher.publish(toQueue(box.queue, '{}', { messageId: 'a', type: 'resize' }));
      const { consumer, sink } = await consume(box.broker, box.queue, 10);
      await sink.received(1);
      consumer.nack(consumer.epoch, 1, false);
      await consumer.close();
      await box.ready(box.letters.deadQueue, 1);
      const letter = await box.letters.find('a');
      assert.deepEqual([letter?.code, letter?.outcome, letter?.queue], ['broker: rejected', 'rejected', box.queue]);
      assert.ok(letter?.deadAt instanceof Date);
      await box.ready(box.letters.deadQueue, 1);
      assert.equal((await box.letters.replay({ code: 'broker: rejected' })).handled, 1);
      const [message] = await box.peek(box.queue, 1);
      assert.deepEqual(message?.headers, { 'x-replayed': 1 });
    },
  ],
];

/** What DeadLetterQueue promises on every broker: nothing lost, nothing looped, order kept where the broker keeps it. */
export function exerciseDeadLetters(
  name: string,
  makeRig: () => Promise<BrokerRig>,
  options: { skip: string | false } = { skip: false },
): void {
  describe(`dead letters on ${name}`, { timeout: LIMIT_MS * 5, ...options }, () => {
    for (const [behaviour, proof] of [...listCases, ...replayCases]) {
      test(behaviour, { timeout: LIMIT_MS }, async () => {
        const trial = new BrokerTrial(await makeRig());
        try {
          await proof(trial);
        } finally {
          await trial.end();
        }
      });
    }
  });
}
