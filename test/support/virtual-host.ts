import { randomUUID } from 'node:crypto';

const LONGEST_REQUEST_MS = 20_000;

export interface ListedConnection {
  /** `127.0.0.1:40000 -> 127.0.0.1:5672` */
  readonly name: string;
  /** What the client calls itself. */
  readonly user_provided_name?: string;
}

/** A virtual host of a test's own, made and removed through the management API, and what an operator can do to it. */
export class VirtualHost implements AsyncDisposable {
  readonly name: string;
  /** To connect to it. */
  readonly url: string;
  readonly #api: string;
  readonly #headers: Readonly<Record<string, string>>;

  private constructor(url: string, api: string, headers: Readonly<Record<string, string>>) {
    this.name = new URL(url).pathname.slice(1);
    this.url = url;
    this.#api = api;
    this.#headers = headers;
  }

  /** @param managementUrl - without credentials: those of `amqpUrl` hold */
  static async create(amqpUrl: string, managementUrl: string): Promise<VirtualHost> {
    const url = new URL(amqpUrl);
    const [user, password] = [decodeURIComponent(url.username) || 'guest', decodeURIComponent(url.password) || 'guest'];
    const name = `millrace-test-${randomUUID()}`;
    url.pathname = `/${name}`;
    const headers = {
      authorization: `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`,
      'content-type': 'application/json',
    };
    const host = new VirtualHost(url.href, `${managementUrl.replace(/\/$/, '')}/api`, headers);
    await host.#request('PUT', `vhosts/${name}`);
    await host.#request('PUT', `permissions/${name}/${encodeURIComponent(user)}`, {
      configure: '.*',
      write: '.*',
      read: '.*',
    });
    return host;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#request('DELETE', `vhosts/${this.name}`);
  }

  async deleteQueue(queue: string): Promise<void> {
    await this.#request('DELETE', `queues/${this.name}/${encodeURIComponent(queue)}`);
  }

  async deleteExchange(exchange: string): Promise<void> {
    await this.#request('DELETE', `exchanges/${this.name}/${encodeURIComponent(exchange)}`);
  }

  /** Declares a durable queue as somebody else would: with these arguments. */
  async declareQueue(queue: string, queueArguments: Readonly<Record<string, unknown>>): Promise<void> {
    const path = `queues/${this.name}/${encodeURIComponent(queue)}`;
    await this.#request('PUT', path, { durable: true, arguments: queueArguments });
  }

  /** How many connections or queues it may have; undefined: as many as there are. */
  async limit(what: 'max-connections' | 'max-queues', value: number | undefined): Promise<void> {
    const path = `vhost-limits/${this.name}/${what}`;
    if (value === undefined) await this.#request('DELETE', path);
    else await this.#request('PUT', path, { value });
  }

  /** A user of the test's own, without any rights; `removeUser` takes it away. */
  async createUser(user: string, password: string): Promise<void> {
    await this.#request('PUT', `users/${user}`, { password, tags: '' });
  }

  async removeUser(user: string): Promise<void> {
    await this.#request('DELETE', `users/${user}`);
  }

  /** Regular expressions of what it may configure, write to and read from; undefined: it may not even connect. */
  async permit(user: string, pattern: string | undefined): Promise<void> {
    const path = `permissions/${this.name}/${user}`;
    if (pattern === undefined) await this.#request('DELETE', path);
    else await this.#request('PUT', path, { configure: pattern, write: pattern, read: pattern });
  }

  /** How many channels all connections of a user may have together; undefined: as many as it likes. */
  async limitChannels(user: string, value: number | undefined): Promise<void> {
    const path = `user-limits/${user}/max-channels`;
    if (value === undefined) await this.#request('DELETE', path);
    else await this.#request('PUT', path, { value });
  }

  /**
   * The connections of clients that call themselves so, one for each name. The server lists a new one only with its next
   * round of statistics, seconds later, and announces that to nobody: the list is asked for until all are there.
   * @param besides - connections that do not count, e.g. those that were closed
   */
  async connections(
    names: readonly string[],
    besides: readonly ListedConnection[] = [],
  ): Promise<readonly ListedConnection[]> {
    for (;;) {
      const listed = (await this.#request('GET', `vhosts/${this.name}/connections`)) as readonly ListedConnection[];
      const open = listed.filter(({ name }) => !besides.some((each) => each.name === name));
      const found = names.map((name) => open.findLast((each) => each.user_provided_name === name));
      if (found.every((each) => each !== undefined)) return found;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }

  /** @param connection - its `name` as listed */
  async closeConnection(connection: string): Promise<void> {
    await this.#request('DELETE', `connections/${encodeURIComponent(connection)}`);
  }

  async #request(method: string, path: string, body?: object): Promise<unknown> {
    const response = await fetch(`${this.#api}/${path}`, {
      method,
      headers: this.#headers,
      body: method === 'GET' ? null : JSON.stringify(body ?? {}),
      signal: AbortSignal.timeout(LONGEST_REQUEST_MS), // a server that stands still must not hide why a test failed
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
    return text === '' ? undefined : (JSON.parse(text) as unknown);
  }
}
