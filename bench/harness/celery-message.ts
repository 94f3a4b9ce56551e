/** The bench's messages as Celery sends them (its message protocol 2): same payload, as the task's only argument. */
import { idAt, signatureAt, TASK_NAME } from './message-source.ts';
import type { EncodedMessage } from './publish-block.ts';
import { long, shortString } from './raw-amqp.ts';

/** content-type, content-encoding, headers, delivery-mode, correlation-id; in this order (AMQP 0-9-1, basic class). */
const PROPERTY_FLAGS = 0x8000 | 0x4000 | 0x2000 | 0x1000 | 0x0400;
const PERSISTENT = 2;
const EMBED = { callbacks: null, errbacks: null, chain: null, chord: null };

type HeaderValue = string | number | boolean | null | readonly HeaderValue[];

function longString(text: string): Buffer {
  const bytes = Buffer.from(text);
  return Buffer.concat([long(bytes.length), bytes]);
}

function fieldOf(value: HeaderValue): Buffer {
  if (value === null) return Buffer.from('V');
  if (typeof value === 'string') return Buffer.concat([Buffer.from('S'), longString(value)]);
  if (typeof value === 'boolean') return Buffer.from(['t'.charCodeAt(0), value ? 1 : 0]);
  if (typeof value === 'number') return Buffer.concat([Buffer.from('I'), long(value)]);
  const items = Buffer.concat(value.map(fieldOf));
  return Buffer.concat([Buffer.from('A'), long(items.length), items]);
}

function table(headers: Readonly<Record<string, HeaderValue>>): Buffer {
  const fields = Object.entries(headers).flatMap(([name, value]) => [shortString(name), fieldOf(value)]);
  const bytes = Buffer.concat(fields);
  return Buffer.concat([long(bytes.length), bytes]);
}

export function celeryMessage(seed: number): EncodedMessage {
  const id = idAt(seed, 0);
  const payload = signatureAt(seed, 0);
  const headers = {
    lang: 'py',
    task: TASK_NAME,
    id,
    shadow: null,
    eta: null,
    expires: null,
    group: null,
    group_index: null,
    retries: 0,
    timelimit: [null, null],
    root_id: id,
    parent_id: null,
    argsrepr: `(${JSON.stringify(payload).replaceAll('"', "'")},)`,
    kwargsrepr: '{}',
    origin: 'gen1@bench',
    ignore_result: true,
    replaced_task_nesting: 0,
  };
  return {
    flags: PROPERTY_FLAGS,
    properties: [
      shortString('application/json'),
      shortString('utf-8'),
      table(headers),
      Buffer.from([PERSISTENT]),
      shortString(id),
    ],
    body: Buffer.from(JSON.stringify([[payload], {}, EMBED])),
  };
}
