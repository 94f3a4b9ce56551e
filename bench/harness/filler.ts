/** Preloads a queue: persistent messages, each confirmed by the broker before `fill` resolves. */
import { BlockPublisher, fitting } from './block-publisher.ts';
import { checksumOf } from './checksum.ts';
import { signatureAt } from './message-source.ts';
import type { Progress } from './progress.ts';
import { PublishBlock, type PublishedMessages } from './publish-block.ts';

export interface FillRequest extends PublishedMessages {
  readonly amqpUrl: string;
  readonly messages: number;
}

/** Unconfirmed at most: keeps the broker busy, and its memory bounded. */
const WINDOW_MESSAGES = 4000;
const WINDOW_BYTES = 32 * 1024 * 1024;

export async function fill(request: FillRequest, progress: Progress): Promise<void> {
  const { amqpUrl, messages } = request;
  const publisher = await BlockPublisher.open(amqpUrl);
  const block = new PublishBlock(request);
  const window = fitting(WINDOW_MESSAGES, WINDOW_BYTES, block);
  const onProgress = (confirmed: number): void => progress.update(confirmed, messages);
  await publisher.publish({ block, messages, window, onProgress });
  await publisher.close();
}

/** The checksum of a run in which every message was handled once. */
export function expectedChecksum(seed: number, messages: number, bodyBytes?: number): number {
  let sum = 0;
  for (let i = 0; i < messages; i++) sum = (sum + checksumOf(signatureAt(seed, i, bodyBytes))) >>> 0;
  return sum;
}
