/** Which values options.ts allows, as one shape per group. Throws E_OPTION_UNKNOWN, _TYPE, _RANGE or _MISSING. */

import { checkRetry } from '../task/retry-policy.ts';
import {
  boolean,
  byteSize,
  type Check,
  duration,
  group,
  integer,
  isPlainObject,
  list,
  oneOf,
  optional,
  refuse,
  required,
  text,
} from './option-checks.ts';
import type { RuntimeOptions } from './options.ts';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const KIB = 1024;
const MIB = 1024 * KIB;
const HIGHEST_PREFETCH = 65_535;
const LONGEST_QUEUE_NAME_BYTES = 255;
const LONGEST_URL = 8_192;

/** Something with `start` and `stop` was made by the caller: an adapter, taken as it is. */
export function isInstance(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  const parts = value as { readonly start?: unknown; readonly stop?: unknown };
  return typeof parts.start === 'function' && typeof parts.stop === 'function';
}

/** Something with the four methods of a logger. */
export function isLogger(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  const methods = value as Readonly<Record<string, unknown>>;
  return ['debug', 'info', 'warn', 'error'].every((name) => typeof methods[name] === 'function');
}

const url = text(1, LONGEST_URL);
const pem: Check = (value, path) => {
  if (typeof value !== 'string' && !(value instanceof Uint8Array))
    refuse('E_OPTION_TYPE', path, '(hidden)', 'PEM text or bytes');
};

const tls = group({
  ca: optional(pem),
  cert: optional(pem),
  key: optional(pem),
  passphrase: optional((value, path) => {
    if (typeof value !== 'string') refuse('E_OPTION_TYPE', path, '(hidden)', 'text');
  }),
  serverName: optional(text(1, 255)),
  verify: optional(boolean),
});

const urls: Check = (value, path) => (Array.isArray(value) ? list(url, 1, 100) : url)(value, path);

export const checkBroker: Check = (value, path) => {
  if (typeof value === 'string' || Array.isArray(value)) return urls(value, path);
  if (isInstance(value)) return undefined;
  if (!isPlainObject(value))
    refuse('E_OPTION_TYPE', path, value, 'a URL, a list of URLs, settings with `urls`, or a broker');
  return brokerSettings(value, path);
};

const brokerSettings = group({
  urls: required(urls),
  tls: optional(tls),
  heartbeat: optional(duration(SECOND, 10 * MINUTE)),
  connectTimeout: optional(duration(100, 5 * MINUTE)),
  connectionName: optional(text(1, 200)),
});

const checkStore: Check = (value, path) => {
  if (typeof value === 'string') return url(value, path);
  if (isInstance(value)) return undefined;
  if (!isPlainObject(value)) refuse('E_OPTION_TYPE', path, value, 'a URL, settings with `url`, or a store');
  return storeSettings(value, path);
};

const storeSettings = group({
  url: required(url),
  timeout: optional(duration(100, 10 * MINUTE)),
  connectionsPerThread: optional(integer(1, 100)),
  effectMemory: optional(duration(HOUR, 8_760 * HOUR)),
});

const queueName: Check = (value, path) => {
  const expected = `a queue name of 1 to ${LONGEST_QUEUE_NAME_BYTES} bytes that does not begin with 'amq.'`;
  if (typeof value !== 'string') refuse('E_OPTION_TYPE', path, value, expected);
  const bytes = Buffer.byteLength(value);
  if (bytes === 0 || bytes > LONGEST_QUEUE_NAME_BYTES || value.startsWith('amq.'))
    refuse('E_OPTION_RANGE', path, value, expected);
};

const retry: Check = (value, path) => checkRetry(value, `\`${path}\``);

const queueSettings = group({
  name: required(queueName),
  task: optional(text(1, 255)),
  prefetch: optional(autoOr(1, HIGHEST_PREFETCH)),
  weight: optional(integer(1, 100)),
  retry: optional(retry),
});

const queues: Check = (value, path) => {
  list((entry, at) => (typeof entry === 'string' ? queueName : queueSettings)(entry, at), 1, 100)(value, path);
  const names = (value as NonNullable<RuntimeOptions['queues']>).map((q) => (typeof q === 'string' ? q : q.name));
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) refuse('E_OPTION_RANGE', path, value, `each queue once; '${twice}' is there twice`);
};

const tasks: Check = (value, path) => {
  if (value instanceof URL) return;
  if (typeof value !== 'string' || value === '')
    refuse('E_OPTION_TYPE', path, value, 'the URL or the path of a module');
};

function autoOr(lowest: number, highest: number): Check {
  return (value, path) => {
    if (value === 'auto') return;
    const expected = `'auto' or a whole number from ${lowest} to ${highest}`;
    if (typeof value !== 'number') refuse('E_OPTION_TYPE', path, value, expected);
    integer(lowest, highest)(value, path);
  };
}

const log: Check = (value, path) => {
  if (isLogger(value)) return;
  group({ level: optional(oneOf(['debug', 'info', 'warn', 'error', 'silent'])) })(value, path);
};

const runtimeOptions = group({
  tasks: required(tasks),
  broker: optional(checkBroker),
  store: optional(checkStore),
  queues: optional(queues),
  queueType: optional(oneOf(['quorum', 'classic'])),
  declare: optional(boolean),
  threads: optional(integer(1, 256)),
  prefetch: optional(autoOr(1, HIGHEST_PREFETCH)),
  batching: optional(
    group({
      target: optional(autoOr(1, 10_000)),
      maxBytes: optional(byteSize(KIB, 256 * MIB)),
      maxAge: optional(duration(0, 10 * SECOND)),
    }),
  ),
  credit: optional(group({ bytes: optional(byteSize(MIB, 64 * KIB * MIB)) })),
  retry: optional(retry),
  timeouts: optional(group({ task: optional(duration(10, 24 * HOUR)), grace: optional(duration(0, 10 * MINUTE)) })),
  unknownTasks: optional(group({ wait: optional(duration(100, 24 * HOUR)), limit: optional(integer(0, 10_000)) })),
  delays: optional(group({ prefix: optional(text(1, 100)) })),
  threadLimits: optional(
    group({
      heap: optional(byteSize(16 * MIB, 64 * KIB * MIB)),
      recycleTasks: optional(integer(1, 1_000_000_000)),
      recycleHeap: optional(byteSize(8 * MIB, 64 * KIB * MIB)),
      recycleAge: optional(duration(SECOND, 720 * HOUR)),
    }),
  ),
  shutdown: optional(group({ grace: optional(duration(0, 60 * MINUTE)) })),
  log: optional(log),
  signals: optional(boolean),
});

export function checkOptions(options: unknown): asserts options is RuntimeOptions {
  runtimeOptions(options, '');
}
