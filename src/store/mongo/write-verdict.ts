/**
 * What the server's error codes mean for the documents of a write. Two levels, with opposite defaults:
 *
 * - one document's entry in `writeErrors`: `refused`, unless the code speaks of the server. Refusing dead-letters one
 *   message, where it can be looked at; calling it unknown would run it again for ever.
 * - the whole command: unknown, unless the code speaks of the request. Calling a server's trouble a refusal would
 *   dead-letter everything that comes by.
 */
import { MongoBulkWriteError, MongoError, MongoErrorLabel, MongoInvalidArgumentError, MongoServerError } from 'mongodb';
import type { InsertProblem } from '../store.ts';

const ILLEGAL_OPERATION = 20;
const NOT_IN_TRANSACTION = 263;

/** Another transaction holds what this one wants: LockTimeout, ConflictingOperationInProgress, WriteConflict. */
const HELD = new Set<unknown>([24, 117, 112]);

/** E11000 and the codes that older servers and mongos use for the same. */
const DUPLICATE_KEY = new Set([11000, 11001, 12582]);

/** Codes that name the server's state, not the document: mongos and servers in trouble give them for single documents too. */
const ABOUT_THE_SERVER = new Set([
  1, // InternalError
  6, // HostUnreachable
  7, // HostNotFound
  8, // UnknownError
  13, // Unauthorized
  18, // AuthenticationFailed
  24, // LockTimeout
  46, // LockBusy
  50, // MaxTimeMSExpired
  63, // StaleShardVersion
  64, // WriteConcernFailed
  79, // UnknownReplWriteConcern
  89, // NetworkTimeout
  91, // ShutdownInProgress
  100, // UnsatisfiableWriteConcern
  112, // WriteConflict
  133, // FailedToSatisfyReadPreference
  146, // ExceededMemoryLimit
  150, // StaleEpoch
  189, // PrimarySteppedDown
  202, // NetworkInterfaceExceededTimeLimit
  244, // TransactionAborted
  246, // SnapshotUnavailable
  262, // ExceededTimeLimit
  317, // ConnectionPoolExpired
  391, // ReauthenticationRequired
  402, // ResourceExhausted
  8000, // AtlasError: quota or credentials
  9001, // SocketException
  10058, // LegacyNotPrimary
  10107, // NotWritablePrimary
  11600, // InterruptedAtShutdown
  11601, // Interrupted
  11602, // InterruptedDueToReplStateChange
  12501, // quota exceeded
  13388, // StaleConfig
  13435, // NotPrimaryNoSecondaryOk
  13436, // NotPrimaryOrSecondary
  14031, // OutOfDiskSpace
]);

/** Codes of a whole command that only the request can have caused: the same documents would fail for ever. */
const ABOUT_THE_REQUEST = new Set([
  2, // BadValue
  9, // FailedToParse
  14, // TypeMismatch
  15, // Overflow: nested too deep
  20, // IllegalOperation
  22, // InvalidBSON
  52, // DollarPrefixedFieldName
  53, // InvalidIdField
  57, // DottedFieldName
  72, // InvalidOptions
  73, // InvalidNamespace
  166, // CommandNotSupportedOnView
  10334, // BSONObjectTooLarge
  17280, // KeyTooLong
  17419, // resulting document too large
  17420, // document to upsert too large
  50791, // a system collection within a transaction
]);

/**
 * Why a transaction did not come about. Nothing of it was applied, but where it says `again`: there it may have been.
 *
 * - `fault`: one of its writes, where `write` is given, else any of them
 * - `unsupported`: the server, or with `everywhere: false` perhaps only one of the collections, has no transactions
 * - `again`: `contended` by another transaction, or `disturbed` by the network or a server in trouble; the marks say what
 *   was applied
 */
export type TransactionVerdict =
  | {
      readonly kind: 'fault';
      readonly problem: InsertProblem['kind'];
      readonly write: number | undefined;
      readonly message: string;
    }
  | { readonly kind: 'unsupported'; readonly everywhere: boolean; readonly message: string }
  | { readonly kind: 'again'; readonly why: 'contended' | 'disturbed' }
  | { readonly kind: 'unknown' };

/** What a write inside of a transaction threw. */
export function judgeWrite(thrown: unknown): TransactionVerdict {
  const message = reasonOf(thrown);
  if (isThrownByDocument(thrown)) return { kind: 'fault', problem: 'refused', write: undefined, message };
  const general = judgeTransaction(thrown);
  if (general.kind !== 'unknown') return general;
  const entry = thrown instanceof MongoBulkWriteError ? firstEntry(thrown) : undefined;
  if (entry !== undefined) {
    const problem = judgeDocument(entry.code, entry.errmsg ?? message);
    return problem === undefined ? general : { kind: 'fault', problem, write: entry.index, message };
  }
  if (isDuplicateKey(thrown)) return { kind: 'fault', problem: 'conflict', write: undefined, message };
  return isRefusedCommand(codeOf(thrown)) ? { kind: 'fault', problem: 'refused', write: undefined, message } : general;
}

/** What anything else of a transaction threw: its marks, its commit. No task is to blame for these. */
export function judgeTransaction(thrown: unknown): TransactionVerdict {
  if (!(thrown instanceof MongoError)) return { kind: 'unknown' };
  const code = codeOf(thrown);
  const message = reasonOf(thrown);
  // The two ways in which a server says no: mongod without a replica set, and for some collections (time series, capped).
  if (code === ILLEGAL_OPERATION && message.includes('Transaction numbers')) {
    const advice = 'run it as a replica set; one member is enough: mongod --replSet, then rs.initiate()';
    return { kind: 'unsupported', everywhere: true, message: `${message}; ${advice}` };
  }
  if (code === NOT_IN_TRANSACTION) return { kind: 'unsupported', everywhere: false, message };
  if (HELD.has(code)) return { kind: 'again', why: 'contended' };
  const again =
    thrown.hasErrorLabel(MongoErrorLabel.TransientTransactionError) ||
    thrown.hasErrorLabel(MongoErrorLabel.UnknownTransactionCommitResult);
  return again ? { kind: 'again', why: 'disturbed' } : { kind: 'unknown' };
}

/** True for what is thrown while documents are encoded; whatever the driver throws once it talks to a server is a MongoError. */
export function isThrownByDocument(thrown: unknown): boolean {
  return thrown instanceof MongoInvalidArgumentError || !(thrown instanceof MongoError);
}

/** True where a mark is there already: its task has been applied. */
export function isDuplicateKey(thrown: unknown): boolean {
  return DUPLICATE_KEY.has(codeOf(thrown) as number);
}

export function codeOf(thrown: unknown): unknown {
  const error = serverErrorOf(thrown);
  return error instanceof MongoError ? error.code : undefined;
}

export function reasonOf(thrown: unknown): string {
  const error = serverErrorOf(thrown);
  return error instanceof Error ? error.message : String(error);
}

/** Behind every IllegalOperation the driver suspects an old storage engine, and says that instead of what the server said. */
function serverErrorOf(thrown: unknown): unknown {
  return thrown instanceof MongoServerError && thrown['originalError'] instanceof MongoServerError
    ? thrown['originalError']
    : thrown;
}

/** One entry of `writeErrors`; undefined where it leaves open whether the document is stored. */
export function judgeDocument(code: number, message: string): InsertProblem['kind'] | undefined {
  if (DUPLICATE_KEY.has(code)) return isIdIndex(message) ? 'duplicate-id' : 'conflict';
  return ABOUT_THE_SERVER.has(code) ? undefined : 'refused';
}

/** True where the server turned the whole command down for what it asks: nothing of it was written. */
export function isRefusedCommand(code: unknown): boolean {
  return typeof code === 'number' && ABOUT_THE_REQUEST.has(code);
}

/** The one that ended an ordered write. */
function firstEntry({
  writeErrors,
}: MongoBulkWriteError): { index: number; code: number; errmsg?: string | undefined } | undefined {
  return [writeErrors].flat()[0];
}

/**
 * Which index a duplicate-key message names. The driver drops `keyPattern`, so the message is all there is:
 *
 *     E11000 duplicate key error collection: app.calls index: _id_ dup key: { _id: "7" }
 *     E11000 duplicate key error collection: app.calls index: _id_ collation: { … } dup key: { _id: … }
 *     E11000 duplicate key error index: app.calls.$_id_ dup key: { : "7" }                     (before 4.2)
 *     E11000 duplicate key error collection: app.calls dup key: { _id: "7" }                   (clustered collection)
 *
 * `_id_` is a name the server keeps for itself. A message that cannot be read is no proof: false.
 */
function isIdIndex(message: string): boolean {
  const keyAt = message.indexOf(' dup key: ');
  if (keyAt < 0) return false;
  const before = message.slice(0, keyAt); // what comes after is the document's own text
  const indexAt = before.lastIndexOf(' index: ');
  if (indexAt < 0) return message.startsWith(' dup key: { _id: ', keyAt);
  const name = before
    .slice(indexAt + ' index: '.length)
    .replace(/ collation: .*$/s, '')
    .trim();
  return name === '_id_' || name.endsWith('.$_id_');
}
