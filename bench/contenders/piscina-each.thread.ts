import { openHandledLedger } from '../harness/handled-ledger.ts';
import type { Signature } from '../harness/message-source.ts';

const count = openHandledLedger();

export default function handle(signature: Signature): void {
  count(signature);
}
