/**
 * Turns a message's bytes into the payload that a handler gets: the port of message formats.
 * Codecs run in the threads, once a message, on the reader's cursor, so that nothing is made beside the payload.
 */
import type { BatchReader } from '../batch/batch-reader.ts';

/** How the task wants its body; undefined: the content type decides. */
export type BodyKind = 'json' | 'bytes' | undefined;

export interface Codec {
  readonly name: string;
  /**
   * The payload of the message that `reader` is at. Throws E_BODY_UNDECODABLE, which fails that message alone.
   * Bytes may be given as a view of the reader's memory; they are valid until the handler has settled.
   */
  decode(reader: BatchReader, body: BodyKind): unknown;
}
