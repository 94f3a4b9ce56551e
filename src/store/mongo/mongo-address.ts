import { MongoClient, type MongoClientOptions } from 'mongodb';
import { RuntimeError } from '../../errors/runtime-error.ts';

/** The database where the URL names none. */
const DEFAULT_DATABASE = 'millrace';

/** What a MongoDB URL says, read once on the main thread and again by each thread. */
export interface MongoAddress {
  /** With its credentials: never log it, show `target`. */
  readonly url: string;
  readonly database: string;
  /** `mongodb://host:port/database`, without credentials and options: safe to show. */
  readonly target: string;
  /** Names of the URL's own options, in lower case: they win over our defaults. */
  readonly ownOptions: ReadonlySet<string>;
}

const URL_PARTS = /^(mongodb(?:\+srv)?:\/\/)([^/?#]*@)?([^/?@#]+)(?:\/([^?]*))?(?:\?(.*))?$/s;
const EXPECTED =
  'expected mongodb://[user:password@]host[:port][,host…]/database[?options], with special characters %-encoded';

/** Throws E_STORE_URL. What it says never shows the URL's credentials or options. */
export function readMongoAddress(url: string): MongoAddress {
  const [, scheme, credentials, hosts, path = '', query = ''] = URL_PARTS.exec(url) ?? [];
  if (scheme === undefined || hosts === undefined) {
    const got = /^[a-z][a-z0-9+.-]*:/i.exec(url)?.[0] ?? 'no scheme';
    throw new RuntimeError('E_STORE_URL', `the store URL (${got}) cannot be read: ${EXPECTED}`);
  }
  const options = [...new URLSearchParams(query).keys()];
  // A password with a bare / or ? in it: what looks like the hosts is then a piece of the password.
  if (
    path.includes('@') ||
    options.some((name) => name.includes('@')) ||
    (credentials === undefined && query.includes('@'))
  ) {
    throw new RuntimeError(
      'E_STORE_URL',
      `the store URL has an @ behind a / or ? that belongs to a password: ${EXPECTED}`,
    );
  }
  const database = decodeDatabase(path) || DEFAULT_DATABASE;
  const ownOptions = new Set(options.map((name) => name.toLowerCase()));
  return { url, database, target: `${scheme}${hosts}/${database}`, ownOptions };
}

/** A client that has not connected yet. Throws E_STORE_URL for what the driver does not accept. */
export function createMongoClient(address: MongoAddress, defaults: MongoClientOptions): MongoClient {
  const options: MongoClientOptions = {};
  for (const [name, value] of Object.entries(defaults)) {
    if (!address.ownOptions.has(name.toLowerCase())) Object.assign(options, { [name]: value });
  }
  try {
    return new MongoClient(address.url, options);
  } catch (thrown) {
    // No `cause`: the driver's error may quote the URL.
    const reason = thrown instanceof Error && !thrown.message.includes(address.url) ? `: ${thrown.message}` : '';
    throw new RuntimeError('E_STORE_URL', `the store URL for ${address.target} cannot be used${reason}; ${EXPECTED}`);
  }
}

function decodeDatabase(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    throw new RuntimeError('E_STORE_URL', `the database name in the store URL is not valid %-encoding: ${EXPECTED}`);
  }
}
