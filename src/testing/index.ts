/// <reference types="node" preserve="true" />
/** The test kit: `import { startTestRuntime } from 'millrace/testing'`. */
export { createEmbedded, type Embedded, type EmbeddedStore } from '../runtime/embedded.ts';
export type { TakenMessage } from '../runtime/take-messages.ts';
export { startTestRuntime, type TestRuntime, type TestRuntimeOptions } from './start-test-runtime.ts';
