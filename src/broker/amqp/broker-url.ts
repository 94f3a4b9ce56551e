import { RuntimeError } from '../../errors/runtime-error.ts';
import { SHORT_STRING_BYTES } from './frame-writer.ts';

/** How the client proves who it is: by user name and password, or by its TLS certificate. */
export type AuthMechanism = 'PLAIN' | 'EXTERNAL';

/** One host as read from its URL. Holds the password: never log it, log `describeUrl` of it. */
export interface BrokerTarget {
  readonly secure: boolean;
  readonly host: string;
  readonly port: number;
  readonly username: string;
  readonly password: string;
  readonly vhost: string;
  readonly mechanism: AuthMechanism;
  /** From the URL's `heartbeat` parameter, undefined where it has none. */
  readonly heartbeatSeconds: number | undefined;
}

const EXPECTED = 'expected amqp[s]://user:password@host:port/vhost?heartbeat=10&auth_mechanism=external';
const PARAMETERS = ['heartbeat', 'auth_mechanism'];
const DEFAULT_PORTS: Readonly<Record<string, number>> = { 'amqp:': 5672, 'amqps:': 5671 };
/** What RabbitMQ creates on a new node; it accepts them from the same machine only. */
const DEFAULT_CREDENTIALS = 'guest';

/**
 * Reads `amqp://` and `amqps://` URLs. Percent-encoding is decoded in each part; a '/' in a virtual host's name is
 * written %2F; no path, '/' and '/%2F' all mean the virtual host '/'. What is left out: host localhost, port 5672
 * (5671 with TLS), user and password guest.
 *
 * Parameters that are not known are refused: `verify=verify_peer` passed over in silence would be a hole.
 * Throws E_BROKER_URL; no message ever holds a user's password.
 */
export function parseBrokerUrls(urls: string | readonly string[]): [BrokerTarget, ...BrokerTarget[]] {
  const [first, ...others] = typeof urls === 'string' ? [urls] : urls;
  if (first === undefined) throw new RuntimeError('E_BROKER_URL', `got no broker URL, ${EXPECTED}`);
  return [parseBrokerUrl(first), ...others.map(parseBrokerUrl)];
}

export function parseBrokerUrl(text: string): BrokerTarget {
  const url = readUrl(text);
  // An unescaped '/', '?' or '#' before the '@': what looks like a path then holds the password.
  if (/@/.test(url.pathname + url.search + url.hash))
    throw refuse(text, "has an '@' behind its host (escape it as %40)");
  const defaultPort = DEFAULT_PORTS[url.protocol];
  if (defaultPort === undefined) throw refuse(text, `has the scheme ${url.protocol}//`);
  if (url.port === '0') throw refuse(text, 'has port 0');
  return {
    secure: url.protocol === 'amqps:',
    host: decode(text, url.hostname, 'host').replace(/^\[(.*)\]$/, '$1') || 'localhost',
    port: url.port === '' ? defaultPort : Number(url.port),
    username: url.username === '' ? DEFAULT_CREDENTIALS : decode(text, url.username, 'user name'),
    password: readPassword(text, url),
    vhost: readVhost(text, url.pathname),
    ...readParameters(text, url.searchParams),
  };
}

/** The host as people name it in a log line: scheme, user, host, port and virtual host, never the password. */
export function describeUrl(target: BrokerTarget): string {
  const host = target.host.includes(':') ? `[${target.host}]` : target.host;
  const vhost = target.vhost === '/' ? '' : `/${encodeURIComponent(target.vhost)}`;
  return `${target.secure ? 'amqps' : 'amqp'}://${encodeURIComponent(target.username)}@${host}:${target.port}${vhost}`;
}

function readUrl(text: string): URL {
  try {
    return new URL(text);
  } catch {
    // The parser's own error holds the whole text, password included: it must not become the cause.
    throw refuse(text, 'cannot be read as a URL');
  }
}

function readPassword(text: string, url: URL): string {
  if (url.password !== '') return decode(text, url.password, 'password');
  return url.username === '' ? DEFAULT_CREDENTIALS : '';
}

function readVhost(text: string, path: string): string {
  if (path === '' || path === '/') return '/';
  const name = path.slice(1);
  if (name.includes('/')) throw refuse(text, "has more than one path segment (a '/' in a vhost name is written %2F)");
  const vhost = decode(text, name, 'virtual host');
  if (Buffer.byteLength(vhost) > SHORT_STRING_BYTES) throw refuse(text, 'has a virtual host of more than 255 bytes');
  return vhost;
}

function readParameters(
  text: string,
  parameters: URLSearchParams,
): Pick<BrokerTarget, 'heartbeatSeconds' | 'mechanism'> {
  for (const name of parameters.keys()) {
    if (!PARAMETERS.includes(name)) throw refuse(text, `has the unknown parameter '${name}'`);
  }
  return { heartbeatSeconds: readHeartbeat(text, parameters), mechanism: readMechanism(text, parameters) };
}

function readHeartbeat(text: string, parameters: URLSearchParams): number | undefined {
  const value = parameters.get('heartbeat');
  if (value === null) return undefined;
  if (!/^\d{1,5}$/.test(value) || Number(value) > 65535) {
    throw refuse(text, `has heartbeat=${value} (seconds, 0 to 65535, 0 for none)`);
  }
  return Number(value);
}

function readMechanism(text: string, parameters: URLSearchParams): AuthMechanism {
  const value = parameters.get('auth_mechanism')?.toUpperCase() ?? 'PLAIN';
  if (value !== 'PLAIN' && value !== 'EXTERNAL') throw refuse(text, `has auth_mechanism=${value} (plain or external)`);
  return value;
}

function decode(text: string, part: string, name: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    throw refuse(text, `has a wrong percent-encoding in its ${name}`);
  }
}

function refuse(text: string, what: string): RuntimeError {
  return new RuntimeError('E_BROKER_URL', `the broker URL '${withoutUser(text)}' ${what}, ${EXPECTED}`);
}

/** A text that could not be read may have its password anywhere before the last '@'. */
function withoutUser(text: string): string {
  const at = text.lastIndexOf('@');
  if (at === -1) return text;
  const scheme = /^[a-z][a-z0-9+.-]*:\/\//i.exec(text)?.[0] ?? '';
  return `${scheme}***@${text.slice(at + 1)}`;
}
