/** Three nodes, a quorum queue, a sender and a worker that know all of them, and a node that goes. */
import assert from 'node:assert/strict';
import { after, before, describe, type TestContext, test } from 'node:test';
import { RabbitCluster } from '../../scripts/services/rabbitmq-cluster.ts';
import type { RabbitServer } from '../../scripts/services/rabbitmq-server.ts';
import { FaultJob } from '../support/fault-job.ts';
import { slowFault } from '../support/fault-options.ts';
import { faultRandom } from '../support/fault-seed.ts';
import { mongoUrl, needs, needsOwn } from '../support/servers.ts';
import { VirtualHost } from '../support/virtual-host.ts';

const FALTERING = 200;
const COUNTING = 1_000;

describe('a cluster of three nodes', slowFault(needs(mongoUrl), needsOwn('rabbitmq')), () => {
  let cluster: RabbitCluster;

  before(async () => {
    cluster = await RabbitCluster.start();
  });
  after(() => cluster.remove());

  /**
   * A job under load whose queue's leader goes at a random moment, `rounds` times.
   * @param takeAway - returns how the node comes back
   */
  async function loseLeader(
    t: TestContext,
    rounds: number,
    takeAway: (leader: RabbitServer) => Promise<() => Promise<void>>,
  ): Promise<FaultJob> {
    const random = faultRandom(t);
    const [first] = cluster.nodes as [RabbitServer];
    await using host = await VirtualHost.create(first.amqpUrl, first.managementUrl);
    const urls = cluster.urls.map((url) => `${url}/${host.name}?heartbeat=2`);
    const job = await FaultJob.start(t, { broker: host.url, clientBroker: urls, workerBroker: urls });
    await cluster.untilOnline(job.queue, 3, host.name);
    await job.sender.sendAll('falter', 1);
    await job.until('the delay levels stand', ({ succeeded }) => succeeded === 1);
    const faltering = job.sender.sendAll('falter', FALTERING);
    const counting = job.sender.sendAll('count', COUNTING);
    const flowing = job.sender.flow('store');
    for (let round = 1; round <= rounds; round++) {
      const mark = job.stats.acked + random.integer(200, 2_000);
      await job.until(`${mark} are acked`, ({ acked }) => acked >= mark);
      const leader = await leaderOf(job.queue, host.name);
      const bringBack = await takeAway(leader);
      try {
        const next = await leaderOf(job.queue, host.name, leader);
        t.diagnostic(`${leader.nodeName} went, ${next.nodeName} leads`);
        const { acked } = job.stats;
        await job.until('messages flow without it', (stats) => stats.acked > acked + 500);
      } finally {
        await bringBack();
      }
      await cluster.untilWhole();
      await cluster.untilOnline(job.queue, 3, host.name);
    }
    job.sender.stopFlow();
    await flowing;
    await faltering;
    const counts = await counting;
    const { stored } = await job.finish({ done: counts, waiting: ['millrace.delay.level-00'] });
    assert.equal(stored.length, job.sender.confirmed.length);
    assert.equal(await job.counted(), COUNTING, 'an increment is applied once');
    return job;
  }

  /** Who leads the queue, another one than `old`. */
  async function leaderOf(queue: string, virtualHost: string, old?: RabbitServer): Promise<RabbitServer> {
    for (;;) {
      // Nobody leads for a moment; the election is announced to nobody outside.
      const leader = await cluster.leaderOf(queue, virtualHost, old);
      if (leader !== undefined && leader !== old) return leader;
    }
  }

  test('the leader of a quorum queue is killed under load, twice: another leads, nothing is lost, each effect is there once', async (t) => {
    await loseLeader(t, 2, async (leader) => {
      await leader.kill();
      return () => leader.start();
    });
  });

  test('the leading node is stopped with stop_app under load: its clients are told, nothing is lost, each effect is there once', async (t) => {
    await loseLeader(t, 1, async (leader) => {
      assert.equal((await leader.ctl('stop_app')).code, 0);
      return async () => void (await leader.ctl('start_app'));
    });
  });

  test('the leading node is cut off and comes back: another leads meanwhile, nothing is lost, each effect is there once', async (t) => {
    await loseLeader(t, 1, async (leader) => {
      leader.freeze();
      return async () => leader.thaw();
    });
  });
});
