/**
 * Everything that stands in BENCHMARKS.md: `npm run bench -- all` measures it in this order, each run into
 * bench/results/<name>.json. Minutes are those of a machine with two cores, and are what progress is told from.
 */
export interface SuiteRun {
  readonly name: string;
  readonly args: string;
  readonly minutes: number;
  /** The arguments of --quick; without them --quick leaves the run out. */
  readonly quick?: string;
}

/**
 * No more than 250,000 messages of a quorum queue a fill, and nine rounds: the broker begins a new write-ahead log after 512 MiB, about
 * 900,000 messages, and what lay in the queue then is read from files, at two thirds of the rate (docs/performance.md). That
 * meets one fill of four, and a median of nine rounds does not see it.
 */
const FILL = '--messages 250000 --rounds 9';
const OTHERS = 'c-reader,rabbitmq-client,rabbitmq-client-multi,amqplib-multi,bullmq,celery';
const STORES = 'c-reader,insert-many,rabbitmq-client-insert-one';

export const SUITE: readonly SuiteRun[] = [
  {
    name: 'noop',
    args: `noop ${FILL} --against ${OTHERS}`,
    minutes: 10,
    quick: 'noop --messages 200000 --rounds 5 --only millrace,c-reader,rabbitmq-client,amqplib-multi',
  },
  {
    name: 'mongo',
    args: `mongo --messages 250000 --against ${STORES}`,
    minutes: 6,
    quick: 'mongo --messages 80000 --rounds 3 --only millrace,c-reader,insert-many',
  },
  {
    name: 'publish',
    args: 'publish --messages 250000 --against c-publisher',
    minutes: 5,
    quick: 'publish --messages 100000 --rounds 3 --only millrace-send,rabbitmq-client-publisher,bare-publisher',
  },
  {
    name: 'latency-1000',
    args: 'latency --arrival-rate 1000',
    minutes: 3,
    quick: 'latency --arrival-rate 1000 --messages 8000 --rounds 3',
  },
  { name: 'latency-5000', args: 'latency --arrival-rate 5000', minutes: 3 },
  {
    name: 'cpu-10',
    args: 'cpu --task-ms 10 --messages 1000',
    minutes: 3,
    quick: 'cpu --task-ms 10 --messages 200 --rounds 3',
  },
  { name: 'cpu-100', args: 'cpu --task-ms 100', minutes: 2 },
  { name: 'cpu-mixed', args: 'cpu-mixed --arrival-rate 250 --messages 3000', minutes: 3 },
  { name: 'fleet', args: `fleet ${FILL}`, minutes: 5 },
  { name: 'noop-classic', args: 'noop --queue-type classic --messages 300000 --only millrace,c-reader', minutes: 6 },
  // What no goal is set for is told from fewer rounds, so that all of it takes an hour.
  { name: 'latency-100', args: 'latency --arrival-rate 100 --rounds 5', minutes: 2 },
  { name: 'latency-share', args: 'latency-share --rounds 5', minutes: 1 },
  { name: 'payload-10240', args: 'payload --body-bytes 10240 --rounds 5 --against c-reader', minutes: 1 },
  { name: 'payload-1048576', args: 'payload --body-bytes 1048576 --rounds 5 --against c-reader', minutes: 1 },
  { name: 'live', args: 'live --messages 50000 --rounds 5', minutes: 2 },
  { name: 'burst', args: 'burst --rounds 5', minutes: 2 },
  { name: 'workload', args: 'workload --messages 60000 --rounds 5', minutes: 1 },
  {
    name: 'embedded',
    args: 'embedded',
    minutes: 2,
    quick: 'embedded --messages 200000 --rounds 3 --only millrace-embedded,piscina-batches',
  },
];
