/**
 * What the server's error codes mean for the documents of a write. Two levels, with opposite defaults:
 *
 * - one document's entry in `writeErrors`: `refused`, unless the code speaks of the server. Refusing dead-letters one
 *   message, where it can be looked at; calling it unknown would run it again for ever.
 * - the whole command: unknown, unless the code speaks of the request. Calling a server's trouble a refusal would
 *   dead-letter everything that comes by.
 */
import type { InsertProblem } from '../store.ts';

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
]);

/** One entry of `writeErrors`; undefined where it leaves open whether the document is stored. */
export function judgeDocument(code: number, message: string): InsertProblem['kind'] | undefined {
  if (DUPLICATE_KEY.has(code)) return isIdIndex(message) ? 'duplicate-id' : 'conflict';
  return ABOUT_THE_SERVER.has(code) ? undefined : 'refused';
}

/** True where the server turned the whole command down for what it asks: nothing of it was written. */
export function isRefusedCommand(code: unknown): boolean {
  return typeof code === 'number' && ABOUT_THE_REQUEST.has(code);
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
