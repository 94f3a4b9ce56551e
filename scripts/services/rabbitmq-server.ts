import { randomBytes } from 'node:crypto';
import { existsSync, realpathSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { findBinary } from './find-binary.ts';
import { findPort, findPorts } from './find-port.ts';
import { OwnProcess } from './own-process.ts';
import { fetchManagement, probeRabbit } from './rabbitmq-probe.ts';
import { type CommandResult, lastLines, runCommand } from './run-command.ts';
import { type LedgerEntry, serverLedger, stopPortMapper } from './server-ledger.ts';

const READY_TIMEOUT_MS = 90_000;
const STOP_GRACE_MS = 20_000;
/** Where Debian keeps the real scripts: the ones on PATH there switch to another user and folder. */
const DEBIAN_SCRIPTS = '/usr/lib/rabbitmq/bin';

export interface RabbitServerOptions {
  /** Taken when free, else any free port. */
  readonly port?: number;
  readonly managementPort?: number;
  /** True: it stays up after this process, until `npm run services down`. */
  readonly outlives?: boolean;
  /** Nodes with the same cookie and port mapper can form a cluster. */
  readonly cookie?: string;
  readonly portMapperPort?: number;
  /** Further lines of rabbitmq.conf, such as `consumer_timeout = 5000`. */
  readonly config?: readonly string[];
}

interface Layout {
  readonly folder: string;
  readonly port: number;
  readonly managementPort: number;
  readonly distributionPort: number;
  readonly portMapperPort: number;
}

/** The folder that holds rabbitmq-server and rabbitmqctl, or undefined where RabbitMQ is not installed. */
export function findRabbitScripts(): string | undefined {
  if (existsSync(join(DEBIAN_SCRIPTS, 'rabbitmq-server'))) return DEBIAN_SCRIPTS;
  const found = findBinary('rabbitmq-server', ['/usr/sbin', '/usr/local/sbin', '/opt/homebrew/sbin']);
  return found === undefined ? undefined : dirname(realpathSync(found));
}

/**
 * A RabbitMQ node of our own: private folder, free ports on the loopback interface, its own port mapper, so that it
 * meets no other node on the machine. Management API included. Queues and messages survive `restart` and `kill`.
 *
 *     stopped ──start──► running ──stop / kill──► stopped        remove: stopped, and its folder gone
 *
 * Cost: four seconds to start, up to 25 on a slow or busy machine; about 130 MB of memory.
 */
export class RabbitServer {
  readonly nodeName: string;
  readonly amqpUrl: string;
  readonly managementUrl: string;
  readonly #layout: Layout;
  readonly #options: RabbitServerOptions;
  readonly #scripts: string;
  #process: OwnProcess | undefined;
  #version = '';

  private constructor(layout: Layout, options: RabbitServerOptions, scripts: string) {
    this.#layout = layout;
    this.#options = options;
    this.#scripts = scripts;
    this.nodeName = `millrace-${layout.port}@localhost`;
    this.amqpUrl = `amqp://guest:guest@127.0.0.1:${layout.port}`;
    this.managementUrl = `http://127.0.0.1:${layout.managementPort}`;
  }

  /**
   * Makes the folder and starts the node.
   * @throws when RabbitMQ is not installed, or with what the node printed when it does not come up
   */
  static async start(options: RabbitServerOptions = {}): Promise<RabbitServer> {
    const scripts = findRabbitScripts();
    if (scripts === undefined) throw new Error('rabbitmq-server is not installed');
    const folder = await mkdtemp(join(tmpdir(), 'millrace-rabbitmq-'));
    const [anyPort, distributionPort, anyMapper] = (await findPorts(3)) as [number, number, number];
    const layout: Layout = {
      folder,
      port: options.port === undefined ? anyPort : await findPort(options.port),
      managementPort: await findPort(options.managementPort),
      distributionPort,
      portMapperPort: options.portMapperPort ?? anyMapper,
    };
    const server = new RabbitServer(layout, options, scripts);
    try {
      await server.#writeFiles();
      await server.start();
    } catch (error) {
      await server.remove();
      throw error;
    }
    return server;
  }

  get label(): string {
    return `RabbitMQ ${this.#version}`;
  }

  get version(): string {
    return this.#version;
  }

  get portMapperPort(): number {
    return this.#layout.portMapperPort;
  }

  /** Starts the stopped node again, on the same ports and with the same data. */
  async start(): Promise<void> {
    if (this.#process?.running === true) return;
    const child = OwnProcess.spawn({
      command: join(this.#scripts, 'rabbitmq-server'),
      args: [],
      env: this.#environment(),
      cwd: this.#layout.folder,
      logFile: join(this.#layout.folder, 'log', 'console.log'),
    });
    this.#process = child;
    serverLedger.record(this.#ledgerEntry(child.pid), this.#options.outlives === true);
    await child.waitUntilReady(() => this.#isReady(), READY_TIMEOUT_MS);
    serverLedger.record(this.#ledgerEntry(child.pid), this.#options.outlives === true);
  }

  /** Clients are told: their connections are closed with 320 CONNECTION_FORCED. */
  async stop(): Promise<void> {
    await this.#end((child) => child.stop(STOP_GRACE_MS));
  }

  /** Clients see a reset; what was not yet written to disk is lost, as when a machine dies. */
  async kill(): Promise<void> {
    await this.#end((child) => child.kill());
  }

  async restart(): Promise<void> {
    await this.stop();
    await this.start();
  }

  /** The node answers nothing but keeps its connections: a half-open peer. */
  freeze(): void {
    this.#process?.freeze();
  }

  thaw(): void {
    this.#process?.thaw();
  }

  /** Runs `rabbitmqctl` against this node. About a second each: use the management API where it can do the same. */
  ctl(...args: string[]): Promise<CommandResult> {
    const command = join(this.#scripts, 'rabbitmqctl');
    return runCommand(command, ['-n', this.nodeName, ...args], { timeoutMs: 60_000, env: this.#environment() });
  }

  /**
   * Sets a variable of the running broker for which rabbitmq.conf has no name, e.g. `channel_tick_interval`. It holds
   * for what is opened from then on, and until the node ends.
   */
  async setVariable(name: string, value: number): Promise<void> {
    const result = await this.ctl('eval', `application:set_env(rabbit, ${name}, ${value}).`);
    if (result.code !== 0) throw new Error(`${name} cannot be set: ${lastLines(result)}`);
  }

  /** Ends the node, its port mapper and its data. */
  async remove(): Promise<void> {
    await this.kill();
    if (this.#options.portMapperPort === undefined) stopPortMapper(this.#layout.portMapperPort);
    await rm(this.#layout.folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  }

  async #end(how: (child: OwnProcess) => Promise<void>): Promise<void> {
    const child = this.#process;
    if (child === undefined) return;
    this.#process = undefined;
    child.thaw(); // a frozen process does not see SIGTERM
    await how(child);
    serverLedger.forget(child.pid);
  }

  async #isReady(): Promise<boolean> {
    try {
      if (!(await fetchManagement(this.managementUrl, this.amqpUrl, 'overview')).ok) return false;
      this.#version = (await probeRabbit(this.amqpUrl, { managementUrl: this.managementUrl })).version;
      return true;
    } catch {
      return false; // not listening yet, or too busy with its start to answer
    }
  }

  #ledgerEntry(pid: number): Omit<LedgerEntry, 'owner' | 'start'> {
    return {
      kind: 'rabbitmq',
      pid,
      folder: this.#layout.folder,
      url: this.amqpUrl,
      managementUrl: this.managementUrl,
      label: this.label,
      portMapperPort: this.#layout.portMapperPort,
    };
  }

  async #writeFiles(): Promise<void> {
    const { folder, managementPort } = this.#layout;
    for (const name of ['home', 'mnesia', 'log']) await mkdir(join(folder, name));
    const cookie = this.#options.cookie ?? randomBytes(12).toString('hex').toUpperCase();
    await writeFile(join(folder, 'home', '.erlang.cookie'), cookie, { mode: 0o400 });
    await writeFile(join(folder, 'plugins'), '[rabbitmq_management].\n');
    await writeFile(join(folder, 'environment.conf'), ''); // instead of the machine's own, which could override ours
    await writeFile(
      join(folder, 'rabbitmq.conf'),
      [
        'management.tcp.ip = 127.0.0.1',
        `management.tcp.port = ${managementPort}`,
        ...(this.#options.config ?? []),
        '',
      ].join('\n'),
    );
  }

  #environment(): NodeJS.ProcessEnv {
    const { folder, port, distributionPort, portMapperPort } = this.#layout;
    return {
      ...process.env,
      HOME: join(folder, 'home'), // where Erlang looks for the cookie
      ERL_EPMD_PORT: String(portMapperPort),
      ERL_EPMD_ADDRESS: '127.0.0.1',
      ERL_EPMD_RELAXED_COMMAND_CHECK: 'true', // or the port mapper refuses to end while it believes a node lives
      RABBITMQ_NODENAME: this.nodeName,
      RABBITMQ_NODE_IP_ADDRESS: '127.0.0.1',
      RABBITMQ_NODE_PORT: String(port),
      RABBITMQ_DIST_PORT: String(distributionPort),
      RABBITMQ_MNESIA_BASE: join(folder, 'mnesia'),
      RABBITMQ_LOG_BASE: join(folder, 'log'),
      RABBITMQ_PID_FILE: join(folder, 'pid'),
      RABBITMQ_CONF_ENV_FILE: join(folder, 'environment.conf'),
      RABBITMQ_CONFIG_FILE: join(folder, 'rabbitmq'),
      RABBITMQ_ADVANCED_CONFIG_FILE: join(folder, 'advanced.config'),
      RABBITMQ_ENABLED_PLUGINS_FILE: join(folder, 'plugins'),
      // The start script then becomes the node instead of waiting for it, so that its pid is the node's …
      RABBITMQ_ALLOW_INPUT: 'true',
      // … which nevertheless gets no terminal.
      RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: '-noinput -kernel inet_dist_use_interface {127,0,0,1}',
    };
  }
}
