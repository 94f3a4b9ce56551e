/** Says on stderr how far something has come that takes longer than two seconds. */
export interface Progress {
  update(done: number, total: number): void;
  /** Clears the line. */
  end(): void;
}

/** A terminal gets a line that is rewritten; a file or a pipe gets one line now and then. */
const TERMINAL_EVERY_MS = 200;
const FILE_EVERY_MS = 10_000;

export function startProgress(label: string): Progress {
  const terminal = process.stderr.isTTY;
  const every = terminal ? TERMINAL_EVERY_MS : FILE_EVERY_MS;
  const started = performance.now();
  let last = started;
  return {
    update(done, total) {
      const now = performance.now();
      if (now - last < every) return;
      last = now;
      const rate = Math.round(done / ((now - started) / 1000));
      const text = `${label}: ${done.toLocaleString('en')} of ${total.toLocaleString('en')}, ${rate.toLocaleString('en')}/s`;
      process.stderr.write(terminal ? `\r\x1b[K${text}` : `${text}\n`);
    },
    end() {
      if (terminal) process.stderr.write('\r\x1b[K');
    },
  };
}
