/** Preloads a queue: persistent messages, each confirmed by the broker before `fill` resolves. */
import { checksumOf } from './checksum.ts';
import { Confirms } from './confirms.ts';
import { signatureAt } from './message-source.ts';
import type { Progress } from './progress.ts';
import { PublishBlock, type PublishedMessages } from './publish-block.ts';
import { METHOD, method, methodId, RawConnection, targetOf } from './raw-amqp.ts';

export interface FillRequest extends PublishedMessages {
  readonly amqpUrl: string;
  readonly messages: number;
}

/** Encoded into one write at most; one message is always. */
const WRITE_MESSAGES = 250;
const WRITE_BYTES = 1024 * 1024;
/** Unconfirmed at most: keeps the broker busy, and its memory bounded. */
const WINDOW_MESSAGES = 4000;
const WINDOW_BYTES = 32 * 1024 * 1024;

export async function fill(request: FillRequest, progress: Progress): Promise<void> {
  const { messages } = request;
  const connection = await RawConnection.open(targetOf(request.amqpUrl));
  await connection.call(METHOD.confirmSelectOk, method(1, methodId(85, 10), Buffer.from([0])));
  const confirms = new Confirms(messages);
  connection.sink = confirms;
  const confirmed = (count: number): Promise<void> => Promise.race([confirms.reached(count), connection.failed]);
  const block = new PublishBlock(request);
  const fitting = (most: number, bytes: number): number =>
    Math.min(most, Math.max(1, Math.floor(bytes / block.length)));
  const aWrite = fitting(WRITE_MESSAGES, WRITE_BYTES);
  const window = fitting(WINDOW_MESSAGES, WINDOW_BYTES);
  for (let from = 0; from < messages; from += aWrite) {
    const count = Math.min(aWrite, messages - from);
    const bytes = Buffer.allocUnsafe(count * block.length);
    for (let i = 0; i < count; i++) block.writeTo(bytes, i * block.length, from + i);
    connection.write(bytes);
    await connection.drained();
    await confirmed(from + count - window);
    progress.update(confirms.count, messages);
  }
  await confirmed(messages);
  await connection.close();
  if (confirms.refused > 0) throw new Error(`the broker refused messages while filling ${request.queue}`);
}

/** The checksum of a run in which every message was handled once. */
export function expectedChecksum(seed: number, messages: number, bodyBytes?: number): number {
  let sum = 0;
  for (let i = 0; i < messages; i++) sum = (sum + checksumOf(signatureAt(seed, i, bodyBytes))) >>> 0;
  return sum;
}
