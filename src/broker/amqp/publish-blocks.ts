/** What carries the bytes away; `written` is to be called when their memory may be used again. */
export type WriteBytes = (bytes: Buffer, written: () => void) => void;

/** Some 150 small messages: the cost of a write to the socket is shared by all of them. */
export const BLOCK_BYTES: number = 64 * 1024;
/** What may wait for the socket before nothing more is encoded: enough to keep it busy. */
const FULL_BYTES = 16 * BLOCK_BYTES;
const KEPT_BLOCKS = 4;
const NO_BLOCK = Buffer.alloc(0);

/**
 * The memory in which messages are put together for the socket: blocks that are filled, written, and used again.
 *
 *     ┌ block ───────────────────┬╌╌╌╌╌╌┐      flush or full      ┌──────────┐  written   ┌──────┐
 *     │ message │ message │ mess…│ room │ ────────────────────▶ │  socket  │ ─────────▶ │ kept │
 *     └──────────────────────────┴╌╌╌╌╌╌┘                         └──────────┘            └──────┘
 *
 * `full` says that the socket does not keep up; `drained` is called when it has.
 */
export class PublishBlocks {
  readonly #write: WriteBytes;
  readonly #drained: () => void;
  readonly #kept: Buffer[] = [];
  #block: Buffer = NO_BLOCK;
  #length = 0;
  #unwritten = 0;

  constructor(write: WriteBytes, drained: () => void) {
    this.#write = write;
    this.#drained = drained;
  }

  get full(): boolean {
    return this.#unwritten >= FULL_BYTES;
  }

  /** The block that `reserve` has made room in. */
  get block(): Buffer {
    return this.#block;
  }

  /** Makes room for so many bytes in one piece. @returns where in `block` they are to be written */
  reserve(bytes: number): number {
    if (this.#block.length - this.#length < bytes) {
      this.flush();
      this.#block = bytes > BLOCK_BYTES ? Buffer.allocUnsafeSlow(bytes) : this.#takeBlock();
    }
    const at = this.#length;
    this.#length += bytes;
    return at;
  }

  /** Adds bytes of any number, over as many blocks as they need. */
  append(source: Buffer, start: number, end: number): void {
    let from = start;
    while (from < end) {
      if (this.#length === this.#block.length) {
        this.flush();
        this.#block = this.#takeBlock();
      }
      const copied = source.copy(this.#block, this.#length, from, end);
      this.#length += copied;
      from += copied;
    }
  }

  flush(): void {
    const block = this.#block;
    const length = this.#length;
    this.discard();
    if (length === 0) return;
    this.#unwritten += length;
    this.#write(block.subarray(0, length), () => this.#written(block, length));
  }

  /** Drops what has not been flushed. */
  discard(): void {
    this.#block = NO_BLOCK;
    this.#length = 0;
  }

  #takeBlock(): Buffer {
    return this.#kept.pop() ?? Buffer.allocUnsafeSlow(BLOCK_BYTES);
  }

  #written(block: Buffer, length: number): void {
    const wasFull = this.full;
    this.#unwritten -= length;
    if (block.length === BLOCK_BYTES && this.#kept.length < KEPT_BLOCKS) this.#kept.push(block);
    if (wasFull && !this.full) this.#drained();
  }
}
