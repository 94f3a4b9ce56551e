import { randomUUID } from 'node:crypto';

/** A virtual host of a test's own, made and removed through the management API. */
export class VirtualHost implements AsyncDisposable {
  /** To connect to it. */
  readonly url: string;
  readonly #api: string;
  readonly #headers: Readonly<Record<string, string>>;

  private constructor(url: string, api: string, headers: Readonly<Record<string, string>>) {
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
    await this.#request('DELETE', `vhosts${new URL(this.url).pathname}`);
  }

  async #request(method: string, path: string, body?: object): Promise<void> {
    const response = await fetch(`${this.#api}/${path}`, {
      method,
      headers: this.#headers,
      body: JSON.stringify(body ?? {}),
    });
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`);
  }
}
