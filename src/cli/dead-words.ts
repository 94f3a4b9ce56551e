/** What several `dead` commands say when there is nothing to say. */
import type { CommandIo } from './command.ts';
import { printable } from './printable.ts';
import { group } from './progress-line.ts';

/** @param looked - letters that were looked at */
export function nothingMatches(looked: number, deadQueue: string): string {
  if (looked === 0) return `there are no dead letters in '${deadQueue}'`;
  return `no dead letter matches, of ${group(looked)} in '${deadQueue}'`;
}

/** @param id - of which there is no letter */
export function complainOf(id: string, deadQueue: string, io: CommandIo): void {
  io.stderr.write(`millrace: there is no letter '${printable(id)}' in '${deadQueue}'\n`);
}
