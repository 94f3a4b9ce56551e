import type { Logger } from './logger.ts';

type Level = 'info' | 'warn' | 'error';

interface Kind {
  readonly level: Level;
  readonly name: string;
  written: number;
  held: number;
}

interface Line {
  readonly fields: object;
  readonly message: string;
}

const WINDOW_MS = 1_000;
/** Kinds told apart in one second. What names them may come out of messages, and then there is no end of them. */
const MOST_KINDS = 100;
const OTHER_KINDS = 'other kinds';

/**
 * Lets so many lines of one kind through in a second and counts the others, which follow as one line: failures come by
 * the thousand, and the tenth line of them says as much as the ten thousandth. Kinds beyond the hundredth in one second
 * are limited together.
 *
 * Cost: one Map entry for each kind of line in a second; its timer keeps no process alive.
 */
export class LogLimiter {
  readonly #logger: Logger;
  readonly #perSecond: number;
  readonly #kinds = new Map<string, Kind>();
  #timer: NodeJS.Timeout | undefined;

  /** @param options - `perSecond`: lines of one kind, at least 1 */
  constructor(logger: Logger, options: { readonly perSecond: number }) {
    this.#logger = logger;
    this.#perSecond = options.perSecond;
  }

  /** @param kind - what the lines have in common, e.g. task and code; it is in the line that counts the others */
  info(kind: string, fields: object, message: string): void {
    this.#write('info', kind, { fields, message });
  }

  /** @param kind - as of `info` */
  warn(kind: string, fields: object, message: string): void {
    this.#write('warn', kind, { fields, message });
  }

  /** @param kind - as of `info` */
  error(kind: string, fields: object, message: string): void {
    this.#write('error', kind, { fields, message });
  }

  /** Says what was held back. */
  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const kinds = [...this.#kinds.values()];
    this.#kinds.clear();
    for (const { level, name, held } of kinds) {
      if (held > 0)
        this.#logger[level]({ kind: name, more: held }, `… and ${held} more like it within a second: ${name}`);
    }
  }

  /** As `flush`. Lines that come later are limited as ever. */
  stop(): void {
    this.flush();
  }

  #write(level: Level, name: string, { fields, message }: Line): void {
    this.#timer ??= setTimeout(() => this.flush(), WINDOW_MS).unref();
    const kind = this.#kindOf(level, name);
    if (kind.written >= this.#perSecond) {
      kind.held++;
      return;
    }
    kind.written++;
    this.#logger[level](fields, message);
  }

  #kindOf(level: Level, name: string): Kind {
    const known = this.#kinds.get(`${level} ${name}`);
    if (known !== undefined) return known;
    if (this.#kinds.size >= MOST_KINDS && name !== OTHER_KINDS) return this.#kindOf(level, OTHER_KINDS);
    const kind = { level, name, written: 0, held: 0 };
    this.#kinds.set(`${level} ${name}`, kind);
    return kind;
  }
}
