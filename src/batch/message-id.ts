/**
 * The id of a message that came without one: shaped like a UUIDv7, made of nothing but where the message lies,
 * so that running the same slab again gives the same ids. Another delivery of the message gets another id.
 *
 *     openedAtMs, 48 bits     tag, upper 12     tag, lower 30    mark, 32 bits
 *     0190b2a4 - 1234  -  7 000  -  8000  -  0005 9f3ac281
 *                         └ version └ variant and the first of the tag's lower bits
 *
 * Ids of one batch ascend with the tag, which keeps an index on them compact.
 * @param tag - delivery tag; distinct below 2^42, at a million a second fifty days of one epoch
 * @param mark - what else tells the message apart: see `messageMark`
 */
export function deliveryId(openedAtMs: number, tag: number, mark: number): string {
  const time = hex(openedAtMs, 12);
  const upper = hex(0x7000 + (Math.floor(tag / 0x4000_0000) % 0x1000), 4);
  const lower = hex((tag % 0x4000_0000) + 0x8000_0000, 8);
  return `${time.slice(0, 8)}-${time.slice(8)}-${upper}-${lower.slice(0, 4)}-${lower.slice(4)}${hex(mark >>> 0, 8)}`;
}

/** Mixes what keeps deliveries of the same tag and millisecond apart: the runtime's salt, the epoch, the queue. */
export function messageMark(salt: number, epoch: number, queue: string): number {
  let name = 0x811c9dc5; // FNV-1a
  for (let i = 0; i < queue.length; i++) name = Math.imul(name ^ queue.charCodeAt(i), 0x01000193);
  return (salt ^ Math.imul(epoch, 0x9e3779b1) ^ name) >>> 0;
}

function hex(value: number, digits: number): string {
  return Math.floor(value).toString(16).padStart(digits, '0').slice(-digits);
}
