import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { BLOCK_BYTES, PublishBlocks } from '../../../../src/broker/amqp/publish-blocks.ts';

interface Write {
  readonly bytes: Buffer;
  readonly done: () => void;
}

function makeBlocks(): { blocks: PublishBlocks; writes: Write[]; drains: () => number } {
  const writes: Write[] = [];
  let drains = 0;
  const blocks = new PublishBlocks(
    (bytes, done) => void writes.push({ bytes, done }),
    () => drains++,
  );
  return { blocks, writes, drains: () => drains };
}

function add(blocks: PublishBlocks, text: string): void {
  const at = blocks.reserve(text.length);
  blocks.block.write(text, at, 'latin1');
}

describe('publish blocks', () => {
  test('what is added leaves in one write, when it is flushed', () => {
    const { blocks, writes } = makeBlocks();
    add(blocks, 'one ');
    add(blocks, 'two');
    assert.equal(writes.length, 0);
    blocks.flush();
    blocks.flush();
    assert.deepEqual(
      writes.map(({ bytes }) => bytes.toString()),
      ['one two'],
    );
  });

  test('memory is used again only once it has been written', () => {
    const { blocks, writes } = makeBlocks();
    add(blocks, 'first');
    blocks.flush();
    add(blocks, 'second');
    blocks.flush();
    assert.deepEqual(
      writes.map(({ bytes }) => bytes.toString()),
      ['first', 'second'],
    );
    writes[0]?.done();
    add(blocks, 'third');
    blocks.flush();
    assert.equal(writes[2]?.bytes.buffer, writes[0]?.bytes.buffer);
    assert.equal(writes[1]?.bytes.toString(), 'second');
  });

  test('a full block leaves by itself, and long bytes are spread over several', () => {
    const { blocks, writes } = makeBlocks();
    const long = Buffer.from(Array.from({ length: 2.5 * BLOCK_BYTES }, (_, index) => index & 0xff));
    add(blocks, 'head');
    blocks.append(long, 0, long.length);
    assert.equal(writes.length, 2);
    blocks.flush();
    const all = Buffer.concat(writes.map(({ bytes }) => bytes));
    assert.ok(all.equals(Buffer.concat([Buffer.from('head'), long])));
  });

  test('what is discarded never leaves', () => {
    const { blocks, writes } = makeBlocks();
    add(blocks, 'dropped');
    blocks.discard();
    add(blocks, 'kept');
    blocks.flush();
    assert.deepEqual(
      writes.map(({ bytes }) => bytes.toString()),
      ['kept'],
    );
  });

  test('it is full while a mebibyte waits for the socket, and says when there is room again', () => {
    const { blocks, writes, drains } = makeBlocks();
    const block = Buffer.alloc(BLOCK_BYTES);
    while (!blocks.full) {
      blocks.append(block, 0, block.length);
      blocks.flush();
    }
    assert.equal(writes.length, 16);
    writes[0]?.done();
    assert.deepEqual([blocks.full, drains()], [false, 1]);
    for (const { done } of writes.slice(1)) done();
    assert.equal(drains(), 1);
  });
});
