import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { findPorts } from './find-port.ts';
import { fetchManagement, probeRabbit } from './rabbitmq-probe.ts';
import { RabbitServer } from './rabbitmq-server.ts';

const FORMED_WITHIN_MS = 90_000;
const POLL_MS = 100;
const NET_TICKTIME_SECONDS = 8;

interface ListedNode {
  readonly name: string;
  readonly running: boolean;
}

interface ListedQueue {
  readonly online?: readonly string[];
}

/**
 * RabbitMQ nodes of our own that form a cluster on this machine: one cookie, one port mapper, a folder and ports each.
 * A node can be stopped, killed and started again by itself; it comes back into the cluster.
 *
 * Cost: for three nodes ten seconds to start, about 400 MB of memory.
 */
export class RabbitCluster {
  readonly nodes: readonly RabbitServer[];

  private constructor(nodes: readonly RabbitServer[]) {
    this.nodes = nodes;
  }

  /**
   * Resolves when all nodes see each other.
   * @throws when RabbitMQ is not installed, or with what a node printed when it does not come up
   */
  static async start(size = 3): Promise<RabbitCluster> {
    const ports = await findPorts(size);
    const cookie = randomBytes(12).toString('hex').toUpperCase();
    // Who starts looks for these nodes and joins the first that it finds.
    const config = [
      'cluster_partition_handling = autoheal', // a node that was cut off starts again with what the others know
      'cluster_formation.peer_discovery_backend = classic_config',
      ...ports.map((port, index) => `cluster_formation.classic_config.nodes.${index + 1} = millrace-${port}@localhost`),
    ];
    const nodes: RabbitServer[] = [];
    const cluster = new RabbitCluster(nodes);
    try {
      const first = await RabbitServer.start({ port: ports[0] as number, cookie, config });
      nodes.push(first);
      const { portMapperPort } = first;
      const others = ports.slice(1).map((port) => RabbitServer.start({ port, cookie, config, portMapperPort }));
      for (const started of await Promise.allSettled(others)) {
        if (started.status === 'rejected') throw started.reason;
        nodes.push(started.value);
      }
      await cluster.untilWhole();
      await Promise.all(nodes.map((node) => cluster.#beVigilant(node)));
    } catch (error) {
      await cluster.remove();
      throw error;
    }
    return cluster;
  }

  /** AMQP URLs of all nodes, running or not. */
  get urls(): string[] {
    return this.nodes.map((node) => node.amqpUrl);
  }

  /**
   * The node that leads a quorum queue, as the other nodes know it; undefined while nobody does. About a second.
   * @param besides - a node that cannot be asked: it is down, or stands still
   */
  async leaderOf(queue: string, virtualHost = '/', besides?: RabbitServer): Promise<RabbitServer | undefined> {
    const asked = this.nodes.find((node) => node !== besides) as RabbitServer;
    // Not over the management API: that asks all nodes and waits for one that stands still.
    const group = `${virtualHost === '/' ? '%2F' : virtualHost}_${queue}`;
    const { stdout } = await asked.ctl('eval', `ra_leaderboard:lookup_leader('${group}').`);
    return this.nodes.find(({ nodeName }) => stdout.includes(`'${nodeName}'`));
  }

  /** Resolves when so many members of a quorum queue are online. */
  async untilOnline(queue: string, members: number, virtualHost = '/'): Promise<void> {
    await this.#until(
      async () => (await this.#queue(queue, virtualHost)).online?.length === members,
      () => `'${queue}' has no ${members} members online`,
    );
  }

  /** Resolves when all nodes take connections and see each other. */
  async untilWhole(): Promise<void> {
    await this.#until(
      async () => (await Promise.all(this.nodes.map((node) => this.#seesAll(node)))).every(Boolean),
      () => `the ${this.nodes.length} nodes did not find each other`,
    );
  }

  /** Ends all nodes and their data. */
  async remove(): Promise<void> {
    // The first one takes the port mapper with it.
    for (const node of this.nodes.toReversed()) await node.remove();
  }

  /** How soon a node that stands still is taken for dead by the others; a minute otherwise. */
  async #beVigilant(node: RabbitServer): Promise<void> {
    const { code, stderr } = await node.ctl('eval', `net_kernel:set_net_ticktime(${NET_TICKTIME_SECONDS}, 0).`);
    if (code !== 0) throw new Error(`${node.nodeName} cannot be configured: ${stderr}`);
  }

  async #seesAll(node: RabbitServer): Promise<boolean> {
    try {
      await probeRabbit(node.amqpUrl, { managementUrl: node.managementUrl });
      const response = await fetchManagement(node.managementUrl, node.amqpUrl, 'nodes');
      const listed = (await response.json()) as readonly ListedNode[];
      return listed.filter(({ running }) => running).length === this.nodes.length;
    } catch {
      return false; // it is still coming up, or pauses because it was cut off
    }
  }

  async #queue(queue: string, virtualHost: string): Promise<ListedQueue> {
    const path = `queues/${encodeURIComponent(virtualHost)}/${encodeURIComponent(queue)}`;
    return (await this.#ask(path)) as ListedQueue;
  }

  /** A node that is down, or coming up, does not answer: then the next one is asked. */
  async #ask(path: string): Promise<unknown> {
    const problems: string[] = [];
    for (const node of this.nodes) {
      try {
        const response = await fetchManagement(node.managementUrl, node.amqpUrl, path);
        if (response.ok) return await response.json();
        problems.push(`HTTP ${response.status}`);
      } catch (error) {
        problems.push((error as Error).message);
      }
    }
    throw new Error(`no node answers ${path}: ${problems.join(', ')}`);
  }

  /** Nodes announce nothing to us: they are asked again and again. */
  async #until(condition: () => Promise<boolean>, describe: () => string): Promise<void> {
    const deadline = performance.now() + FORMED_WITHIN_MS;
    while (!(await condition())) {
      if (performance.now() > deadline) throw new Error(`${describe()} within ${FORMED_WITHIN_MS / 1000} s`);
      await delay(POLL_MS);
    }
  }
}
