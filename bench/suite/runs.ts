/**
 * Everything that stands in BENCHMARKS.md: `npm run bench -- all` measures it in this order, each run into
 * bench/results/<name>.json. Minutes are those of a machine with two cores, and are what progress is told from.
 */
export interface SuiteRun {
  readonly name: string;
  readonly args: string;
  readonly minutes: number;
  /** What --quick adds to the arguments; without it --quick leaves the run out. */
  readonly quick?: string;
}

const LIBRARIES = 'c-reader,rabbitmq-client,rabbitmq-client-multi,amqplib-multi';
const STORES = 'c-reader,insert-many,rabbitmq-client-insert-one';

export const SUITE: readonly SuiteRun[] = [
  {
    name: 'noop',
    args: `noop --messages 300000 --against ${LIBRARIES},bullmq`,
    minutes: 11,
    quick: '--messages 60000 --rounds 3',
  },
  {
    name: 'noop-classic',
    args: 'noop --queue-type classic --messages 120000 --only millrace,c-reader',
    minutes: 5,
  },
  {
    name: 'mongo',
    args: `mongo --messages 120000 --against ${STORES}`,
    minutes: 5,
    quick: '--messages 40000 --rounds 3',
  },
  { name: 'live', args: 'live --messages 60000', minutes: 5 },
  { name: 'latency-100', args: 'latency --arrival-rate 100', minutes: 3 },
  { name: 'latency-1000', args: 'latency --arrival-rate 1000', minutes: 3, quick: '--messages 3000 --rounds 3' },
  { name: 'latency-5000', args: 'latency --arrival-rate 5000', minutes: 4 },
  { name: 'cpu-1', args: 'cpu --task-ms 1', minutes: 2 },
  { name: 'cpu-10', args: 'cpu --task-ms 10', minutes: 2, quick: '--messages 200 --rounds 3' },
  { name: 'cpu-100', args: 'cpu --task-ms 100', minutes: 2 },
  { name: 'payload-100', args: 'payload --body-bytes 100', minutes: 2 },
  { name: 'payload-10240', args: 'payload --body-bytes 10240', minutes: 2 },
  { name: 'payload-1048576', args: 'payload --body-bytes 1048576', minutes: 2 },
];
