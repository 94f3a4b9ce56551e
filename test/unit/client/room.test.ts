import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Room } from '../../../src/client/room.ts';

/** A full room, and whether the one that waits for it has been let in. */
function fullRoom(size: number): { leave(times: number): Promise<void>; letIn(): boolean } {
  const room = new Room(size);
  for (let entered = 0; entered < size; entered++) room.enter();
  let letIn = false;
  void room.freed().then(() => {
    letIn = true;
  });
  return {
    letIn: () => letIn,
    leave: async (times) => {
      for (let left = 0; left < times; left++) {
        room.leave();
        await new Promise(setImmediate);
      }
    },
  };
}

test('a full room is entered again once an eighth of it is free', async () => {
  const room = fullRoom(80);
  await room.leave(9);
  assert.equal(room.letIn(), false);
  await room.leave(1);
  assert.equal(room.letIn(), true);
});

test('a small room is entered again once one has left', async () => {
  for (const size of [1, 2, 7, 15]) {
    const room = fullRoom(size);
    await room.leave(1);
    assert.equal(room.letIn(), true, `a room for ${size}`);
  }
});

test('a room is empty once all have left, and at once when nobody entered', async () => {
  const room = new Room(4);
  await room.emptied();
  room.enter();
  room.enter();
  let empty = false;
  const emptied = room.emptied().then(() => {
    empty = true;
  });
  room.leave();
  await new Promise(setImmediate);
  assert.equal(empty, false);
  room.leave();
  await emptied;
});
