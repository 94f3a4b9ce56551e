/**
 * What the harness asks of everything it measures. A contender is a module that the harness loads in a fresh process
 * (harness/child.ts) which counts calls, bodies, acks, time and CPU around it: no contender measures itself.
 */

export interface ContenderJob {
  readonly amqpUrl: string;
  readonly queue: string;
  readonly messages: number;
  /** Where documents go; undefined: the task does nothing. */
  readonly store: { readonly url: string; readonly database: string; readonly collection: string } | undefined;
  /** 'auto': the contender's own choice. */
  readonly prefetch: number | 'auto';
  readonly batch: number | 'auto';
  readonly threads: number | 'auto';
  /** Tasks that a thread runs at once; undefined: handlers are synchronous. */
  readonly concurrency: number | undefined;
}

/** From the read off the socket to the ack, ms; of a share of the messages. */
export interface HandOverLatency {
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

export interface RunningContender {
  /** Asked for once, after the last ack. */
  latency(): HandOverLatency | undefined;
  stop(): Promise<void>;
}

/** What a contender module exports. */
export interface ContenderModule {
  /** Begins to consume; resolves when it does. May ack everything before it resolves. */
  start(job: ContenderJob): Promise<RunningContender>;
}
