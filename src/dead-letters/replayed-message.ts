import type { MessageProperties } from '../batch/message-properties.ts';
import { REPLAYED, START_BY } from '../batch/task-headers.ts';
import type { OutgoingMessage } from '../broker/broker.ts';
import type { DeadLetter } from './dead-letter.ts';

/** What to publish, or why a letter cannot be sent again. */
export type ReplayedMessage =
  | { readonly message: OutgoingMessage; readonly refusal?: undefined }
  | { readonly message?: undefined; readonly refusal: string };

/**
 * The message that a dead letter was, as if it were sent anew at `now`: the same id, body and properties, no attempt
 * counted, none of the headers that say how it died, and `x-replayed` one higher.
 *
 * Start deadlines count from the replay: whoever replays wants it to run now, and the old deadline has passed. So
 * `timestamp` is the time of the replay (where there was one), and x-start-by goes. A time to live and the user who
 * published it do not come back either: the broker has taken the first away, and allows the second to its owner only.
 */
export function replayedMessage(letter: DeadLetter, to: string | undefined, now: number): ReplayedMessage {
  const { original, body, replays } = letter;
  if (original === undefined) {
    return {
      refusal: 'its properties cannot be read, so nobody knows which task it is for: save its body and send it anew',
    };
  }
  const { expiration: _ttl, userId: _publisher, timestamp, headers, ...rest } = original;
  const { [START_BY]: _deadline, ...kept } = headers ?? {};
  const properties: MessageProperties = {
    ...rest,
    ...(timestamp === undefined ? {} : { timestamp: Math.floor(now / 1000) }),
    deliveryMode: 2,
    headers: { ...kept, [REPLAYED]: replays + 1 },
  };
  return { message: { exchange: '', routingKey: to ?? letter.queue, properties, body } };
}
