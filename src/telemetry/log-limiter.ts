import type { Logger } from './logger.ts';

type Level = 'info' | 'warn' | 'error';

interface Kind {
  written: number;
  held: number;
  level: Level;
}

const WINDOW_MS = 1_000;

/**
 * Lets so many lines of one kind through in a second and counts the others, which follow as one line: failures come by
 * the thousand, and the tenth line of them says as much as the ten thousandth.
 *
 * Cost: one Map entry for each kind of line in a second; its timer keeps no process alive.
 */
export class LogLimiter {
  readonly #logger: Logger;
  readonly #perSecond: number;
  readonly #kinds = new Map<string, Kind>();
  #timer: NodeJS.Timeout | undefined;

  constructor(logger: Logger, { perSecond }: { readonly perSecond: number }) {
    this.#logger = logger;
    this.#perSecond = perSecond;
  }

  info(kind: string, fields: object, message: string): void {
    this.#write('info', kind, { fields, message });
  }

  warn(kind: string, fields: object, message: string): void {
    this.#write('warn', kind, { fields, message });
  }

  error(kind: string, fields: object, message: string): void {
    this.#write('error', kind, { fields, message });
  }

  /** Says what was held back, and ends the timer. */
  stop(): void {
    clearTimeout(this.#timer);
    this.#flush();
  }

  #write(level: Level, kind: string, { fields, message }: { readonly fields: object; readonly message: string }): void {
    this.#timer ??= setTimeout(() => this.#flush(), WINDOW_MS).unref();
    const known = this.#kinds.get(`${level} ${kind}`);
    if (known !== undefined && known.written >= this.#perSecond) {
      known.held++;
      return;
    }
    if (known === undefined) this.#kinds.set(`${level} ${kind}`, { written: 1, held: 0, level });
    else known.written++;
    this.#logger[level](fields, message);
  }

  #flush(): void {
    this.#timer = undefined;
    for (const [key, { held, level }] of this.#kinds) {
      const kind = key.slice(level.length + 1);
      if (held > 0) this.#logger[level]({ kind, more: held }, `… and ${held} more like it within a second: ${kind}`);
    }
    this.#kinds.clear();
  }
}
