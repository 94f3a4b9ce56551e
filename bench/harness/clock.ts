/** The clock of the bench: monotonic, and one for all processes of the machine. */
export function nowMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}
