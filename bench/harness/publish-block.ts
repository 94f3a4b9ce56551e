/**
 * One message as the bytes of a basic.publish. All messages of a run have the same length, so a block is a template into
 * which only the id is written, at two places:
 *
 *     publish method │ content header: content-type, delivery-mode, message-id ▲, type │ body: {"UUID":"▲",…}
 *
 * A body longer than a frame goes on in further frames.
 */
import { bodyAt, ID_LENGTH, idAt, TASK_NAME } from './message-source.ts';
import { FRAME_PAYLOAD_MAX, frame, longLong, method, methodId, short, shortString } from './raw-amqp.ts';

/** content-type, delivery-mode, message-id, type; in this order (AMQP 0-9-1, basic class). */
const PROPERTY_FLAGS = 0x8000 | 0x1000 | 0x0080 | 0x0020;
const PERSISTENT = 2;

export interface PublishedMessages {
  readonly queue: string;
  readonly seed: number;
  /** Undefined: as long as they are by themselves. */
  readonly bodyBytes?: number | undefined;
  /** Index of the first message; default 0. */
  readonly first?: number;
}

export class PublishBlock {
  readonly length: number;
  readonly #template: Buffer;
  readonly #seed: number;
  readonly #first: number;
  readonly #idInProperties: number;
  readonly #idInBody: number;

  constructor({ queue, seed, bodyBytes, first = 0 }: PublishedMessages) {
    const id = idAt(seed, 0);
    const body = bodyAt(seed, 0, bodyBytes);
    const publish = method(1, methodId(60, 40), short(0), shortString(''), shortString(queue), Buffer.from([0]));
    const properties = [
      shortString('application/json'),
      Buffer.from([PERSISTENT]),
      shortString(id),
      shortString(TASK_NAME),
    ];
    const header = [short(60), short(0), longLong(body.length), short(PROPERTY_FLAGS), ...properties];
    this.#template = Buffer.concat([publish, frame(2, 1, Buffer.concat(header)), ...bodyFrames(body)]);
    this.#seed = seed;
    this.#first = first;
    this.#idInProperties = this.#template.indexOf(id);
    this.#idInBody = this.#template.indexOf(id, this.#idInProperties + ID_LENGTH);
    this.length = this.#template.length;
  }

  /** The bytes of message 0, and where in them its id stands: for those that write blocks elsewhere. */
  get template(): { readonly bytes: Buffer; readonly ids: readonly number[] } {
    return { bytes: this.#template, ids: [this.#idInProperties, this.#idInBody] };
  }

  /** Writes message `index`, counted from the first, at `at`. */
  writeTo(target: Buffer, at: number, index: number): void {
    const id = idAt(this.#seed, this.#first + index);
    this.#template.copy(target, at);
    target.write(id, at + this.#idInProperties, 'latin1');
    target.write(id, at + this.#idInBody, 'latin1');
  }
}

function bodyFrames(body: Buffer): Buffer[] {
  const frames: Buffer[] = [];
  for (let at = 0; at < body.length; at += FRAME_PAYLOAD_MAX) {
    frames.push(frame(3, 1, body.subarray(at, at + FRAME_PAYLOAD_MAX)));
  }
  return frames;
}
