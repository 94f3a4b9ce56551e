/** What became of the messages of one run: the ledger of what was filled against what was handled and stored. */
import type { ChildReport } from './child.ts';
import type { StoredSummary } from './stored-tally.ts';

/** Messages that the contender did not take, and those that it gave up. */
export interface Left {
  readonly queued: number;
  readonly dead: number;
}

export interface Evidence {
  readonly messages: number;
  readonly expectedChecksum: number;
  readonly report: Pick<ChildReport, 'acked' | 'nacked' | 'unknownTags' | 'handled'>;
  /** Where documents are written. */
  readonly stored: StoredSummary | undefined;
  /** Still in the queue, or in its dead letters. */
  readonly left: Left;
}

export interface Verdict {
  /** Messages not handled; where documents are written, also those without one. */
  readonly lost: number;
  /** Calls beyond one a message; where documents are written, documents beyond one a message. */
  readonly duplicates: number;
  /** Everything else that must not be. */
  readonly faults: readonly string[];
}

export function judge(evidence: Evidence): Verdict {
  const { messages, report, stored, left } = evidence;
  const { handled } = report;
  const unhandled = messages - handled.distinct;
  const lost = stored === undefined ? unhandled : Math.max(unhandled, messages - stored.distinct);
  const duplicates = stored === undefined ? handled.calls - handled.distinct : stored.documents - stored.distinct;
  const faults: string[] = [];
  const fault = (wrong: boolean, text: string): void => {
    if (wrong) faults.push(text);
  };
  fault(report.acked !== messages, `${report.acked} of ${messages} acked`);
  fault(report.unknownTags > 0, `${report.unknownTags} acks of tags that were not outstanding`);
  fault(report.nacked > 0, `${report.nacked} nacks or rejects`);
  fault(handled.foreign > 0, `${handled.foreign} calls with a message that was never sent`);
  fault(left.queued > 0, `${left.queued} messages still in the queue`);
  fault(left.dead > 0, `${left.dead} dead letters`);
  const whole = handled.calls === messages && handled.distinct === messages;
  fault(whole && handled.checksum !== evidence.expectedChecksum, 'the checksum of the bodies is wrong');
  return { lost, duplicates, faults };
}
