/**
 * One message as the bytes of a basic.publish. All messages of a run have the same length, so a block is a template into
 * which only the id is written, wherever it stands; in a task message of ours at two places:
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

export interface EncodedMessage {
  /** Which properties follow. */
  readonly flags: number;
  readonly properties: readonly Buffer[];
  readonly body: Buffer;
}

/** Message 0 of a run. All others differ from it by their id only. */
export type EncodeMessage = (seed: number, bodyBytes: number | undefined) => EncodedMessage;

const taskMessage: EncodeMessage = (seed, bodyBytes) => ({
  flags: PROPERTY_FLAGS,
  properties: [
    shortString('application/json'),
    Buffer.from([PERSISTENT]),
    shortString(idAt(seed, 0)),
    shortString(TASK_NAME),
  ],
  body: bodyAt(seed, 0, bodyBytes),
});

export interface PublishedMessages {
  readonly queue: string;
  readonly seed: number;
  /** Undefined: as long as they are by themselves. */
  readonly bodyBytes?: number | undefined;
  /** What message 0 is; default: a task message of ours. */
  readonly encode?: EncodeMessage;
  /** Index of the first message; default 0. */
  readonly first?: number;
  /** The broker gives back what no queue takes, as it does for our client. Default: it drops it. */
  readonly mandatory?: boolean;
}

const MANDATORY = 1;

export class PublishBlock {
  readonly length: number;
  readonly #template: Buffer;
  readonly #seed: number;
  readonly #first: number;
  readonly #ids: readonly number[];

  constructor({ queue, seed, bodyBytes, encode = taskMessage, first = 0, mandatory = false }: PublishedMessages) {
    const { flags, properties, body } = encode(seed, bodyBytes);
    const bits = Buffer.from([mandatory ? MANDATORY : 0]);
    const publish = method(1, methodId(60, 40), short(0), shortString(''), shortString(queue), bits);
    const header = [short(60), short(0), longLong(body.length), short(flags), ...properties];
    this.#template = Buffer.concat([publish, frame(2, 1, Buffer.concat(header)), ...bodyFrames(body)]);
    this.#seed = seed;
    this.#first = first;
    this.#ids = placesOf(idAt(seed, 0), this.#template);
    this.length = this.#template.length;
  }

  /** The bytes of message 0, and where in them its id stands: for those that write blocks elsewhere. */
  get template(): { readonly bytes: Buffer; readonly ids: readonly number[] } {
    return { bytes: this.#template, ids: this.#ids };
  }

  /** Writes message `index`, counted from the first, at `at`. */
  writeTo(target: Buffer, at: number, index: number): void {
    const id = idAt(this.#seed, this.#first + index);
    this.#template.copy(target, at);
    for (const place of this.#ids) target.write(id, at + place, 'latin1');
  }
}

function bodyFrames(body: Buffer): Buffer[] {
  const frames: Buffer[] = [];
  for (let at = 0; at < body.length; at += FRAME_PAYLOAD_MAX) {
    frames.push(frame(3, 1, body.subarray(at, at + FRAME_PAYLOAD_MAX)));
  }
  return frames;
}

function placesOf(id: string, bytes: Buffer): number[] {
  const places: number[] = [];
  for (let at = bytes.indexOf(id); at >= 0; at = bytes.indexOf(id, at + ID_LENGTH)) places.push(at);
  return places;
}
