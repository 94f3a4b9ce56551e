/**
 * The messages of a bench run, as a pure function of (seed, index): every contender of a round gets the same bytes, and a
 * verification can tell any id from a forged one without keeping a list.
 *
 * The body is a task signature as machinery and paota send it, about 200 bytes. The id is a UUID whose first 20 digits
 * are random (so that the database's index sees random keys, its worst case) and whose last 12 are the index:
 *
 *     task_6f1c2ab0-91d3-4c07-8b5e-00000001e240
 *          └────────── hash(seed, index) ┘ └ index
 *
 * A body of a wanted size has only what every handler needs, id, name and one value, and the value fills it.
 */

export interface Signature {
  readonly UUID: string;
  readonly Name: string;
  readonly Args: readonly { readonly Name?: string; readonly Type?: string; readonly Value: string }[];
}

export const TASK_NAME = 'record';
export const ID_LENGTH: number = 'task_'.length + 36;

const USER = JSON.stringify({ id: 1, name: 'John Doe', email: 'john.doe@example.com' });

/** The finaliser of MurmurHash3: spreads a counter over 32 bits. */
function mix(value: number): number {
  let hash = value | 0;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

function hex(value: number, digits: number): string {
  return value.toString(16).padStart(digits, '0');
}

/** Id of message `index`, 0 up to 2^32. */
export function idAt(seed: number, index: number): string {
  const first = mix(seed ^ Math.imul(index, 0x9e3779b1));
  const second = mix(first + 0x7f4a7c15);
  const third = mix(second ^ index);
  const random = `${hex(first, 8)}-${hex(second >>> 16, 4)}-4${hex(second & 0xfff, 3)}-8${hex(third & 0xfff, 3)}`;
  return `task_${random}-${hex(index, 12)}`;
}

/** The index in an id of ours, -1 in anything else. */
export function indexOf(seed: number, id: unknown): number {
  if (typeof id !== 'string' || id.length !== ID_LENGTH) return -1;
  const index = Number.parseInt(id.slice(-12), 16);
  return Number.isNaN(index) || idAt(seed, index) !== id ? -1 : index;
}

/** Ids all have one length. */
const LEAST_BYTES = sizedBytes('');
/** Characters of USER in a body, where its quotes are escaped. */
const USER_BYTES = sizedBytes(USER) - LEAST_BYTES;

function sized(seed: number, index: number, value: string): Signature {
  return { UUID: idAt(seed, index), Name: TASK_NAME, Args: [{ Value: value }] };
}

function sizedBytes(value: string): number {
  return JSON.stringify(sized(0, 0, value)).length;
}

/** @param bodyBytes - how long the body is; undefined: about 200 bytes, with all members that machinery sends */
export function signatureAt(seed: number, index: number, bodyBytes?: number): Signature {
  if (bodyBytes !== undefined) {
    const room = bodyBytes - LEAST_BYTES;
    if (room < 0) throw new Error(`a body has at least ${LEAST_BYTES} bytes, not ${bodyBytes}`);
    return sized(seed, index, USER.repeat(Math.floor(room / USER_BYTES)) + '.'.repeat(room % USER_BYTES));
  }
  return { UUID: idAt(seed, index), Name: TASK_NAME, Args: [{ Name: 'user', Type: 'string', Value: USER }] };
}

export function bodyAt(seed: number, index: number, bodyBytes?: number): Buffer {
  return Buffer.from(JSON.stringify(signatureAt(seed, index, bodyBytes)));
}
