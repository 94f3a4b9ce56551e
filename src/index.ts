/// <reference types="node" preserve="true" />
/** Run tasks from RabbitMQ in threads, and send messages to them. Task modules import `millrace/task` instead. */
export type { MessageProperties } from './batch/message-properties.ts';
export type { AttemptRecord } from './batch/task-headers.ts';
export type { BrokerHealth, BrokerState } from './broker/broker.ts';
export type { Client } from './client/client.ts';
export type { SendFailure, SendManyOptions, SendOptions } from './client/send-options.ts';
export { optionsFromEnv } from './config/from-env.ts';
export type {
  BatchingSettings,
  BrokerSettings,
  CreditSettings,
  LogLevel,
  LogSettings,
  QueueSettings,
  RuntimeOptions,
  ShutdownSettings,
  StoreSettings,
  TlsSettings,
} from './config/options.ts';
export type { DeadLetter } from './dead-letters/dead-letter.ts';
export type {
  DeadLetterQueue,
  DropLettersOptions,
  ListLettersOptions,
  ReplayLettersOptions,
} from './dead-letters/dead-letter-queue.ts';
export type { DeadLetterFilter } from './dead-letters/letter-filter.ts';
export type { DeadLetterProgress, DeadLetterSummary, RefusedLetter } from './dead-letters/letter-tally.ts';
export type { Choice } from './delivery/choice.ts';
export type { BatchTrigger, DeliveryCounters, LatencySnapshot } from './delivery/delivery-counters.ts';
export type { QueueSizes } from './delivery/queue-sizes.ts';
export { ERROR_CODES, type ErrorCode, type ErrorCodeEntry, type ErrorSeverity } from './errors/codes.ts';
export { isRuntimeError, RuntimeError, type RuntimeErrorOptions } from './errors/runtime-error.ts';
export type { ClientOptions } from './runtime/client-options.ts';
export { createClient } from './runtime/create-client.ts';
export { createEmbedded, type Embedded, type EmbeddedStore } from './runtime/embedded.ts';
export type { Health, RuntimeStatus, ThreadHealth } from './runtime/health.ts';
export { type DeadLetterOptions, openDeadLetters } from './runtime/open-dead-letters.ts';
export type { Runtime, RuntimeStats, ThreadStats } from './runtime/runtime.ts';
export type { RuntimeState } from './runtime/runtime-state.ts';
export { startRuntime } from './runtime/start-runtime.ts';
export type { StoreHealth } from './store/store.ts';
export type { ByteSize } from './support/byte-size.ts';
export type { Duration } from './support/duration.ts';
export type { Logger } from './telemetry/logger.ts';
