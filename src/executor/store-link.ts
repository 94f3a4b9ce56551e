import type {
  InsertProblem,
  OnceProblem,
  OnceTask,
  StoreDocument,
  StoreWriter,
  StoreWriterSpec,
} from '../store/store.ts';
import { importModule } from '../support/import-module.ts';

interface WriterModule {
  openWriter(config: unknown): Promise<StoreWriter>;
}

/**
 * A thread's way to its store. The writer is opened on the first use; opening that fails is tried again at the next
 * use, so that a thread that was replaced while the store was away needs nobody to heal it.
 */
export class StoreLink implements StoreWriter {
  readonly #spec: StoreWriterSpec;
  #opening: Promise<StoreWriter> | undefined;

  constructor(spec: StoreWriterSpec) {
    this.#spec = spec;
  }

  /** Resolves when the writer is open; rejects with the store's error. */
  async open(): Promise<void> {
    await this.#writer();
  }

  async insertMany(collection: string, documents: readonly StoreDocument[]): Promise<readonly InsertProblem[]> {
    const writer = await this.#writer();
    return writer.insertMany(collection, documents);
  }

  async applyOnce(tasks: readonly OnceTask[]): Promise<readonly OnceProblem[]> {
    const writer = await this.#writer();
    return writer.applyOnce(tasks);
  }

  async close(): Promise<void> {
    const opening = this.#opening;
    this.#opening = undefined;
    if (opening !== undefined) await (await opening).close();
  }

  #writer(): Promise<StoreWriter> {
    this.#opening ??= this.#open().catch((error: unknown) => {
      this.#opening = undefined;
      throw error;
    });
    return this.#opening;
  }

  async #open(): Promise<StoreWriter> {
    const module = (await importModule(this.#spec.module)) as unknown as WriterModule;
    return module.openWriter(this.#spec.config);
  }
}
