import { RECORD_HEADER_BYTES, RECORD_REDELIVERED, recordBytes } from './batch-layout.ts';
import type { RawDelivery } from './raw-delivery.ts';

/** A larger gap is not worth copying. */
const LARGEST_GAP = 64;

/** Bytes between properties and body that are copied along; 0: the two are copied apart. */
function gapOf({ propertiesEnd, bodyStart, bodyEnd }: RawDelivery): number {
  const gap = bodyStart - propertiesEnd;
  return gap > 0 && gap <= LARGEST_GAP && bodyEnd > bodyStart ? gap : 0;
}

/** Bytes that a delivery's record takes in a slab. */
export function slabBytes(delivery: RawDelivery): number {
  const contents = delivery.propertiesEnd - delivery.propertiesStart + delivery.bodyEnd - delivery.bodyStart;
  return recordBytes(contents + gapOf(delivery));
}

/**
 * Deliveries as they arrived, one record behind another, kept on the main thread until every one of them is settled.
 * Batches are ranges of records, cut when a thread can take one; each is copied to the thread, so the bytes here
 * outlive the thread and can be run again, retried or dead-lettered.
 *
 *     starts[0]    starts[1]    starts[2]     end
 *     │ record 0   │ record 1   │ record 2    │ free …            │ capacity
 *     │ firstTag   │ firstTag+1 │ firstTag+2  │
 *
 * The records have the form of batch-layout.ts. One slab holds deliveries of one epoch, tags without gaps.
 * Cost: one copy of properties and body, about 0.1 µs for 300 bytes (bench/micro/slab.bench.ts).
 */
export class Slab {
  readonly bytes: Buffer;
  /** Byte at which each record starts. */
  readonly starts: Uint32Array;
  /** When each record was read, ms of `performance.now()`. */
  readonly arrivals: Float64Array;
  readonly #words: Uint32Array;
  epoch = 0;
  firstTag = 0;
  count = 0;
  end = 0;
  /** Records not settled yet; the slab may be used again when this is 0 and nothing more is appended. */
  unsettled = 0;

  /**
   * @param capacityBytes - a multiple of 8
   * @param maxRecords - records it may hold at most
   */
  constructor(capacityBytes: number, maxRecords: number) {
    const memory = new ArrayBuffer(capacityBytes);
    this.bytes = Buffer.from(memory);
    this.#words = new Uint32Array(memory);
    this.starts = new Uint32Array(maxRecords);
    this.arrivals = new Float64Array(maxRecords);
  }

  get capacity(): number {
    return this.bytes.length;
  }

  /** True when a record of so many bytes still fits. */
  fits(bytes: number): boolean {
    return this.end + bytes <= this.bytes.length && this.count < this.starts.length;
  }

  /** Forgets everything, for use with another epoch or later tags. Only when nothing in it is unsettled. */
  reset(epoch: number, firstTag: number): void {
    this.epoch = epoch;
    this.firstTag = firstTag;
    this.count = 0;
    this.end = 0;
    this.unsettled = 0;
  }

  /** Copies a delivery in. The caller has asked `fits`. */
  append(delivery: RawDelivery, arrivedAtMs: number): void {
    const { source, propertiesStart, propertiesEnd, bodyStart, bodyEnd } = delivery;
    const gap = gapOf(delivery);
    const start = this.end;
    const word = start >>> 2;
    const words = this.#words;
    words[word] = propertiesEnd - propertiesStart;
    words[word + 1] = bodyEnd - bodyStart;
    words[word + 2] = delivery.redelivered ? RECORD_REDELIVERED : 0;
    words[word + 3] = gap << 16;
    const content = start + RECORD_HEADER_BYTES;
    let contentEnd: number;
    if (gap > 0) {
      contentEnd = content + source.copy(this.bytes, content, propertiesStart, bodyEnd);
    } else {
      contentEnd = content + source.copy(this.bytes, content, propertiesStart, propertiesEnd);
      if (bodyEnd > bodyStart) contentEnd += source.copy(this.bytes, contentEnd, bodyStart, bodyEnd);
    }
    this.starts[this.count] = start;
    this.arrivals[this.count] = arrivedAtMs;
    this.count++;
    this.unsettled++;
    this.end = start + recordBytes(contentEnd - content);
  }

  startOf(record: number): number {
    return record === this.count ? this.end : (this.starts[record] as number);
  }

  /** Views of one record's properties and body; valid until the slab is reset. */
  record(record: number): { properties: Buffer; body: Buffer; redelivered: boolean } {
    const start = this.startOf(record);
    const word = start >>> 2;
    const properties = start + RECORD_HEADER_BYTES;
    const propertiesEnd = properties + (this.#words[word] as number);
    const body = propertiesEnd + ((this.#words[word + 3] as number) >>> 16);
    return {
      properties: this.bytes.subarray(properties, propertiesEnd),
      body: this.bytes.subarray(body, body + (this.#words[word + 1] as number)),
      redelivered: ((this.#words[word + 2] as number) & RECORD_REDELIVERED) !== 0,
    };
  }
}
