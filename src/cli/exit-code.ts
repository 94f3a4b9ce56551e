/** What the `millrace` command ends with; docs/reference/cli.md is generated from this table. */
export const EXIT_CODES = {
  0: 'done; a worker was drained',
  1: 'failed while it ran; `demo`: messages were lost or stored twice; `send`: not everything was confirmed; `dead`: an id was not found, or a letter not replayed',
  2: 'wrong usage: an unknown command or flag, or an option outside its range; `dead drop` without `--yes`',
  3: 'could not start: the broker, the store or the task module, with the error code in the message',
  130: 'ended at once by a second SIGINT; `dead`: ended by SIGINT, what was begun is done',
  137: 'a thread would not end because native code in a task held it: the process ended itself with SIGKILL, after draining the rest',
  143: 'ended at once by a second SIGTERM; `dead`: ended by SIGTERM, what was begun is done',
} as const;

export const DONE = 0;
export const FAILED = 1;
export const WRONG_USAGE = 2;
export const CANNOT_START = 3;
export const KILLED = 137;
