import type { MachineEnvironment } from '../../../bench/harness/result.ts';

export const machine: MachineEnvironment = {
  at: '2026-11-22T12:00:00.000Z',
  command: 'npm run bench -- noop --against prototype',
  commit: '1a2b3c4',
  node: 'v20.20.2',
  os: 'Linux 6 x64',
  cpu: 'Some CPU',
  cores: 2,
  memoryGiB: 8,
  loadAverage: 0.1,
  busyShare: 0.05,
  rabbitmq: 'RabbitMQ 3.10.8',
  database: null,
  databaseSync: null,
  queueType: 'quorum',
  seed: 1,
  warmUpMessages: 20_000,
  missing: {},
};
