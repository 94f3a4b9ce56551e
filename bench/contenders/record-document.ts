import type { Signature } from '../harness/message-source.ts';

/** What a hand-written contender stores of a message. */
export interface RecordDocument {
  _id: string;
  at: Date;
  args: Signature['Args'];
}

export function documentOf(signature: Signature): RecordDocument {
  return { _id: signature.UUID, at: new Date(), args: signature.Args };
}
