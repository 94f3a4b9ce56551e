import type { RawDelivery } from '../batch/raw-delivery.ts';
import type { Slab } from '../batch/slab.ts';
import type { SlabPool } from '../batch/slab-pool.ts';
import type { Consumer, DeliverySink } from '../broker/broker.ts';
import type { RuntimeError } from '../errors/runtime-error.ts';
import type { Logger } from '../telemetry/logger.ts';
import { AckPatience } from './ack-patience.ts';
import { AckSequencer } from './ack-sequencer.ts';
import { ArrivalRate } from './arrival-rate.ts';
import type { Batch } from './batch.ts';
import { batchPatienceMs } from './batch-patience.ts';
import type { BatchSizer } from './batch-sizer.ts';
import { DeliveryBatcher } from './delivery-batcher.ts';
import type { QueueOptions } from './delivery-options.ts';
import type { DeliveryTally } from './delivery-tally.ts';
import type { PrefetchSizer } from './prefetch-sizer.ts';
import { RecentMean } from './recent-mean.ts';

/** For so long a lost connection explains returns: what was returned by it has been delivered again by then. */
const EXCUSED_MS = 600_000;

export interface QueueLaneParts {
  readonly slabs: SlabPool;
  readonly sizer: BatchSizer;
  readonly prefetch: PrefetchSizer;
  readonly tally: DeliveryTally;
  readonly logger: Logger;
  /** Something arrived: the dispatcher may cut batches. */
  readonly arrived: () => void;
}

/**
 * One queue's way through the pipeline: what arrived and waits (batcher), how much makes a batch (sizer), how much is
 * pushed ahead (prefetch), what is owed to the broker (sequencer, one per epoch). It is the sink of the queue's consumer and the only part that acks.
 *
 * Everything that settles names the batch, and with it the epoch: what belongs to a dead epoch only frees its slab,
 * because the broker delivers it again.
 */
export class QueueLane implements DeliverySink {
  readonly queue: QueueOptions;
  readonly batcher: DeliveryBatcher;
  readonly sizer: BatchSizer;
  /** From the dispatch of a batch to its answer, ms. */
  readonly turnaround = new RecentMean();
  readonly #arrivals = new ArrivalRate();
  readonly #parts: QueueLaneParts;
  /** When epochs were lost, ms of `performance.now()`, the last ones. */
  #losses: number[] = [];
  /** Redelivered messages among those that wait: they are looked at before they run. */
  redeliveredWaiting = 0;
  #consumer: Consumer | undefined;
  #sequencer: AckSequencer;
  #epoch = 0;
  #readAtMs = 0;
  #lastTag = 0;
  #deliveries = 0;
  /** As of the end of the last read. */
  #deliveriesBefore = 0;
  #flushScheduled = false;
  #interruption: string | undefined;
  readonly #emitAck = (tag: number, multiple: boolean): void => {
    this.#parts.tally.acksWritten++;
    this.#consumer?.ack(this.#epoch, tag, multiple);
  };
  readonly #flushNow = (): void => this.flush();
  readonly #patience = new AckPatience(() => this.turnaround.value, this.#flushNow);

  constructor(queue: QueueOptions, parts: QueueLaneParts) {
    this.queue = queue;
    this.#parts = parts;
    this.sizer = parts.sizer;
    this.batcher = new DeliveryBatcher(parts.slabs);
    this.#sequencer = this.#newSequencer();
  }

  /** The consumer whose deliveries come here. They may come before it: their acks wait for it. */
  attach(consumer: Consumer): void {
    this.#consumer = consumer;
    this.flush();
  }

  get consumer(): Consumer | undefined {
    return this.#consumer;
  }

  /** Why there is no consumer at the moment; undefined while there is, and when it was us who ended it. */
  get interruption(): string | undefined {
    return this.#interruption;
  }

  /** Messages that the broker may push ahead at the moment. */
  get prefetch(): PrefetchSizer {
    return this.#parts.prefetch;
  }

  /** Learns from a batch that has run what makes a batch, and what the broker should push ahead. */
  learn(messages: number, busyMs: number): void {
    const { sizer } = this;
    const { prefetch } = this.#parts;
    sizer.learn(messages, busyMs);
    if (!prefetch.follow(sizer.meanTaskMs, sizer.samples, performance.now())) return;
    sizer.prefetch = prefetch.current;
    this.#sequencer.prefetch = prefetch.current;
    void this.#consumer?.adjust(prefetch.current);
  }

  /** How old the oldest message that waits may become while a thread is idle, ms. @param maxAgeMs - of a batch */
  patienceMs(maxAgeMs: number): number {
    const missing = this.sizer.target - this.batcher.messages;
    return batchPatienceMs({ missing, maxAgeMs, arrivals: this.#arrivals });
  }

  epochOpened(epoch: number): void {
    this.#interruption = undefined;
    this.redeliveredWaiting = 0;
    this.batcher.openEpoch(epoch);
    this.#epoch = epoch;
    this.#lastTag = 0;
    this.#sequencer = this.#newSequencer();
  }

  deliver(delivery: RawDelivery): void {
    if (this.#readAtMs === 0) this.#readAtMs = performance.now();
    this.batcher.append(delivery, this.#readAtMs);
    this.#lastTag = delivery.tag;
    this.#deliveries++;
    const tally = this.#parts.tally;
    tally.received++;
    if (!delivery.redelivered) return;
    tally.redelivered++;
    this.redeliveredWaiting++;
  }

  readEnded(): void {
    if (this.#readAtMs === 0) return;
    this.#arrivals.arrived(this.#deliveries - this.#deliveriesBefore, this.#readAtMs);
    this.#deliveriesBefore = this.#deliveries;
    this.#readAtMs = 0;
    this.#sequencer.delivered(this.#lastTag);
    this.#parts.tally.lastDeliveryAt = Date.now();
    this.#parts.arrived();
  }

  epochClosed(epoch: number, reason: RuntimeError | undefined): void {
    if (epoch !== this.#epoch) return;
    this.#epoch = 0;
    this.#readAtMs = 0;
    const dropped = this.batcher.drop();
    this.redeliveredWaiting = 0;
    this.#sequencer = this.#newSequencer();
    this.#patience.reset();
    this.#interruption = reason?.message;
    if (reason === undefined) return;
    this.#losses = [...this.#recentLosses(), performance.now()];
    const fields = { queue: this.queue.name, epoch, code: reason.code, droppedUnstarted: dropped };
    this.#parts.logger.warn(fields, `consumer interrupted: ${reason.message}`);
  }

  /** Messages delivered so far, over all epochs. */
  get deliveries(): number {
    return this.#deliveries;
  }

  /** Messages that are delivered and not settled. */
  get held(): number {
    return this.#sequencer.open + this.#sequencer.owed;
  }

  /**
   * How many of a message's returns may be deaths of a process: brokers count lost connections as well, and of those this
   * process has lived through it knows.
   */
  excuse(returns: number): number {
    return Math.max(0, returns - this.#recentLosses().length);
  }

  #recentLosses(): number[] {
    const since = performance.now() - EXCUSED_MS;
    return this.#losses.filter((at) => at > since);
  }

  /** True while acks for this batch still reach the broker. */
  isLive(batch: Batch): boolean {
    return batch.epoch === this.#epoch;
  }

  /** These tasks of the batch are finished in every sense: the guarantee holds for them, their ack is owed. */
  settle(batch: Batch, from: number, count: number): void {
    this.#recordLatency(batch, from, count);
    if (this.isLive(batch)) {
      this.#sequencer.settle(batch.firstTag + from, count);
      this.#scheduleFlush();
    } else {
      this.#parts.tally.stale += count;
    }
    this.batcher.settled(batch.slab, count);
  }

  /** Returns one task's message to the queue. */
  giveBack(batch: Batch, index: number): void {
    if (this.isLive(batch)) this.#nack(batch.firstTag + index);
    else this.#parts.tally.stale++;
    this.batcher.settled(batch.slab, 1);
  }

  /** Returns everything that was not cut into a batch to the queue. Only after the consumer was cancelled. */
  giveBackWaiting(): void {
    const first = this.batcher.firstWaitingTag;
    const count = this.batcher.drop();
    for (let tag = first; tag < first + count; tag++) this.#nack(tag);
  }

  /**
   * Writes the acks that are due.
   * @param share - settled messages that may wait behind a straggler; 0 at the end, when nothing else will come
   */
  flush(share?: number): void {
    this.#flushScheduled = false;
    if (this.#consumer === undefined) return;
    let acked = this.#sequencer.take(this.#emitAck, share);
    if (share === undefined && this.#patience.isOver(this.#sequencer.straggler)) {
      acked += this.#sequencer.take(this.#emitAck, 0);
    }
    this.#parts.tally.acked += acked;
    this.#consumer.flush();
  }

  #newSequencer(): AckSequencer {
    const { current, highest } = this.#parts.prefetch;
    return new AckSequencer(current, highest);
  }

  #nack(tag: number): void {
    this.#consumer?.nack(this.#epoch, tag, true);
    this.#sequencer.close(tag);
    this.#parts.tally.givenBack++;
    this.#scheduleFlush();
  }

  /** Acks of one tick go out in one write. */
  #scheduleFlush(): void {
    if (this.#flushScheduled) return;
    this.#flushScheduled = true;
    setImmediate(this.#flushNow);
  }

  /** Messages of one socket read share an arrival time, so a batch is a handful of runs. */
  #recordLatency(batch: Batch, from: number, count: number): void {
    const now = performance.now();
    const arrivals: Slab['arrivals'] = batch.slab.arrivals;
    const end = batch.fromRecord + from + count;
    let start = batch.fromRecord + from;
    while (start < end) {
      const arrival = arrivals[start] as number;
      let next = start + 1;
      while (next < end && arrivals[next] === arrival) next++;
      this.#parts.tally.latency.record(now - arrival, next - start);
      start = next;
    }
  }
}
