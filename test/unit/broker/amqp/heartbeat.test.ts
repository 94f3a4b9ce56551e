import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { Heartbeat } from '../../../../src/broker/amqp/heartbeat.ts';

const INTERVAL_S = 8;

interface Rig {
  readonly heartbeat: Heartbeat;
  readonly calls: string[];
  pass(seconds: number): void;
}

function makeRig(context: TestContext, intervalSeconds = INTERVAL_S): Rig {
  context.mock.timers.enable({ apis: ['setInterval'] });
  const calls: string[] = [];
  const heartbeat: Heartbeat = new Heartbeat({
    beat: () => {
      calls.push('beat');
      heartbeat.sent();
    },
    silent: () => void calls.push('silent'),
  });
  heartbeat.start(intervalSeconds);
  return { heartbeat, calls, pass: (seconds) => context.mock.timers.tick(seconds * 1000) };
}

describe('heartbeat', () => {
  test('it beats every half interval while nothing else is sent', (context) => {
    const { calls, pass } = makeRig(context);
    pass(INTERVAL_S);
    assert.deepEqual(calls, ['beat', 'beat']);
  });

  test('other traffic stands in for the beat', (context) => {
    const { heartbeat, calls, pass } = makeRig(context);
    for (let turn = 0; turn < 10; turn += 1) {
      pass(INTERVAL_S / 4);
      heartbeat.sent();
      heartbeat.received();
    }
    assert.deepEqual(calls, []);
  });

  test('a silent peer is noticed after one and within two intervals', (context) => {
    const { calls, pass } = makeRig(context);
    pass(INTERVAL_S * 1.5);
    assert.ok(!calls.includes('silent'));
    pass(INTERVAL_S * 0.5);
    assert.ok(calls.includes('silent'));
  });

  test('a peer that beats every half interval is never taken for dead', (context) => {
    const { heartbeat, calls, pass } = makeRig(context);
    for (let turn = 0; turn < 40; turn += 1) {
      pass(INTERVAL_S / 2);
      heartbeat.received();
    }
    assert.ok(!calls.includes('silent'));
  });

  test('while paused silence says nothing, and after resuming it counts anew', (context) => {
    const { heartbeat, calls, pass } = makeRig(context);
    pass(INTERVAL_S);
    heartbeat.pause();
    pass(INTERVAL_S * 10);
    assert.ok(!calls.includes('silent'));
    assert.equal(calls.length, 22, 'it goes on beating');
    heartbeat.resume();
    pass(INTERVAL_S * 1.5);
    assert.ok(!calls.includes('silent'));
    pass(INTERVAL_S / 2);
    assert.ok(calls.includes('silent'));
  });

  test('an interval of 0 means none, and stop ends it', (context) => {
    const none = makeRig(context, 0);
    none.pass(1000);
    assert.deepEqual(none.calls, []);
    context.mock.timers.reset();
    const stopped = makeRig(context);
    stopped.heartbeat.stop();
    stopped.pass(1000);
    assert.deepEqual(stopped.calls, []);
  });
});
