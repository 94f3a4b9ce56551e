/** Why a thread ended, in words for the log and for the dead letter of the task that it took along. */
const MIB = 1_048_576;

/** @param heapBytes - limit of the thread's heap; undefined: Node's own */
export function reasonOfError(error: unknown, heapBytes: number | undefined): string {
  if (!(error instanceof Error)) return String(error);
  if ((error as NodeJS.ErrnoException).code === 'ERR_WORKER_OUT_OF_MEMORY') {
    const limit = heapBytes === undefined ? "Node's own limit" : `the limit of ${toMiB(heapBytes)} MiB`;
    return `its heap grew beyond ${limit}`;
  }
  return `${error.name}: ${error.message}`;
}

/** Of a thread that neither broke nor was ended by us: only a call of `process.exit` does that. */
export function reasonOfCode(code: number): string {
  return `process.exit(${code}) was called in it`;
}

/** What Node is told of a heap's limit: whole MiB, at least one. */
export function toMiB(bytes: number): number {
  return Math.max(1, Math.floor(bytes / MIB));
}
