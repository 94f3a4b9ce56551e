/** Preloads a queue: persistent messages, each confirmed by the broker before `fill` resolves. */
import { checksumOf } from './checksum.ts';
import { Confirms } from './confirms.ts';
import { signatureAt } from './message-source.ts';
import type { Progress } from './progress.ts';
import { PublishBlock } from './publish-block.ts';
import { METHOD, method, methodId, RawConnection, targetOf } from './raw-amqp.ts';

export interface FillRequest {
  readonly amqpUrl: string;
  readonly queue: string;
  readonly seed: number;
  readonly messages: number;
}

/** Messages encoded into one write. */
const WRITE_MESSAGES = 250;
/** Unconfirmed messages at most: keeps the broker busy, and its memory bounded. */
const WINDOW = 4000;

export async function fill(request: FillRequest, progress: Progress): Promise<void> {
  const { messages } = request;
  const connection = await RawConnection.open(targetOf(request.amqpUrl));
  await connection.call(METHOD.confirmSelectOk, method(1, methodId(85, 10), Buffer.from([0])));
  const confirms = new Confirms(messages);
  connection.sink = confirms;
  const confirmed = (count: number): Promise<void> => Promise.race([confirms.reached(count), connection.failed]);
  const block = new PublishBlock(request);
  for (let from = 0; from < messages; from += WRITE_MESSAGES) {
    const count = Math.min(WRITE_MESSAGES, messages - from);
    const bytes = Buffer.allocUnsafe(count * block.length);
    for (let i = 0; i < count; i++) block.writeTo(bytes, i * block.length, from + i);
    connection.write(bytes);
    await connection.drained();
    await confirmed(from + count - WINDOW);
    progress.update(confirms.count, messages);
  }
  await confirmed(messages);
  await connection.close();
  if (confirms.refused > 0) throw new Error(`the broker refused messages while filling ${request.queue}`);
}

/** The checksum of a run in which every message was handled once. */
export function expectedChecksum(seed: number, messages: number): number {
  let sum = 0;
  for (let i = 0; i < messages; i++) sum = (sum + checksumOf(signatureAt(seed, i))) >>> 0;
  return sum;
}
