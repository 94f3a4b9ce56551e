/**
 * Start, end, CPU and acks of one contender, whatever it is made of. Where they are seen is up to its two kinds: at the
 * sockets (wire-watch.ts), or at the broker in memory (broker-watch.ts).
 *
 *     consume ──▶ start of time and CPU        ack of the last message ──▶ end
 */
import { nowMs } from './clock.ts';
import { TagLedger } from './tag-ledger.ts';

/** Something that is measured besides, over the same time. */
export interface Meter {
  begin(): void;
  end(): void;
}

export interface WatchRequest {
  readonly queue: string;
  readonly messages: number;
}

export class AckWatch {
  /** When each tag's ack was seen, ms; index 0 is tag 1. */
  readonly ackTimes: Float64Array;
  /** Resolves when as many tags are acked as there are messages. */
  readonly allAcked: Promise<void>;
  startMs = 0;
  endMs = 0;
  /** CPU time of all threads of this process between start and end. */
  cpuMicros = 0;
  /** Messages given back or refused. */
  nacked = 0;
  readonly #tags: TagLedger;
  readonly #meter: Meter | undefined;
  #startCpu: NodeJS.CpuUsage = { user: 0, system: 0 };
  #resolve: () => void = () => {};

  constructor(messages: number, meter?: Meter) {
    this.#meter = meter;
    this.#tags = new TagLedger(messages);
    this.ackTimes = new Float64Array(messages);
    this.allAcked = new Promise((resolve) => {
      this.#resolve = resolve;
    });
  }

  get acked(): number {
    return this.#tags.settled;
  }

  /** Acks of tags that were not outstanding. */
  get unknownTags(): number {
    return this.#tags.unknown;
  }

  /** Starts time and CPU anew, for a scenario in which the consumer waits for the first message. */
  restart(): void {
    this.startMs = nowMs();
    this.#startCpu = process.cpuUsage();
    this.#meter?.begin();
  }

  /** For a run that did not get to its end: CPU up to now. */
  giveUp(): void {
    this.#end();
  }

  protected sawAck(tag: number, multiple: boolean): void {
    const now = nowMs();
    this.#tags.settle(tag, multiple, (settled) => {
      this.ackTimes[settled - 1] = now;
    });
    this.endMs = now;
    if (this.#tags.settled < this.#tags.tags) return;
    this.#end();
    this.#resolve();
  }

  #end(): void {
    const cpu = process.cpuUsage(this.#startCpu);
    this.cpuMicros = cpu.user + cpu.system;
    this.#meter?.end();
  }
}
