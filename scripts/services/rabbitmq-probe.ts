import { Connection } from 'rabbitmq-client';

export const DEFAULT_AMQP_URL = 'amqp://guest:guest@127.0.0.1:5672';

const TIMEOUT_MS = 5000;

export interface RabbitProbe {
  /** Undefined where the management API does not answer. It has no credentials in it: those of the AMQP URL hold. */
  readonly managementUrl: string | undefined;
  /** Empty where it cannot be known. */
  readonly version: string;
}

/**
 * Logs in at an AMQP URL, so that "something listens" is not taken for "we may use it".
 * @throws what the server said, in one line
 */
export async function probeRabbit(url: string, options: { managementUrl?: string } = {}): Promise<RabbitProbe> {
  await logIn(url, TIMEOUT_MS);
  const managementUrl = options.managementUrl ?? `http://${new URL(url).hostname}:15672`;
  const overview = await fetchManagement(managementUrl, url, 'overview').catch(() => undefined);
  if (overview === undefined || !overview.ok) return { managementUrl: undefined, version: '' };
  const body = (await overview.json()) as { rabbitmq_version?: string };
  return { managementUrl, version: body.rabbitmq_version ?? '' };
}

/** A request to the management API, with the credentials of the AMQP URL. */
export function fetchManagement(
  managementUrl: string,
  amqpUrl: string,
  path: string,
  init: { method?: string; body?: unknown } = {},
): Promise<Response> {
  const { username, password } = new URL(amqpUrl);
  const user = `${decodeURIComponent(username) || 'guest'}:${decodeURIComponent(password) || 'guest'}`;
  return fetch(`${managementUrl.replace(/\/+$/, '')}/api/${path}`, {
    method: init.method ?? 'GET',
    headers: { authorization: `Basic ${Buffer.from(user).toString('base64')}`, 'content-type': 'application/json' },
    body: init.body === undefined ? null : JSON.stringify(init.body),
    signal: AbortSignal.timeout(10_000),
  });
}

function logIn(url: string, timeoutMs: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const connection = new Connection({
      url,
      connectionTimeout: timeoutMs,
      acquireTimeout: timeoutMs,
      retryLow: 60_000,
    });
    const settle = (error?: Error): void => {
      clearTimeout(timer);
      if (error !== undefined) {
        connection.unsafeDestroy();
        reject(error);
        return;
      }
      connection.close().then(resolve, reject);
    };
    const timer = setTimeout(() => settle(new Error(`no answer within ${timeoutMs / 1000} s`)), timeoutMs);
    connection.once('connection', () => settle());
    connection.on('error', (error: Error) => settle(error));
  });
}
