/** Longer than a queue takes for the acks that its channel holds back. */
const SETTLE_MS = 1000;

/**
 * A channel passes acks on to a quorum queue as fast as that takes them, and forgets the others when it is closed: then
 * acked messages are in the queue again. So whoever acks one by one waits before it closes, after its time has ended.
 */
export function settleAcks(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
}
