import { openHandledLedger } from '../harness/handled-ledger.ts';
import type { Signature } from '../harness/message-source.ts';

const count = openHandledLedger();

export default function handle(bodies: readonly string[]): void {
  for (const body of bodies) count(JSON.parse(body) as Signature);
}
