import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { defineTask } from '../../../src/task/index.ts';
import { collectTasks } from '../../../src/task/task-registry.ts';

const one = defineTask('one', () => {});
const two = defineTask('two', () => {});

describe('collectTasks', () => {
  it('collects what a module exports, also as default, in arrays and in objects', () => {
    assert.deepEqual([...collectTasks({ one, default: two }, 'm').keys()], ['one', 'two']);
    assert.deepEqual([...collectTasks({ default: [one, two] }, 'm').keys()], ['one', 'two']);
    assert.deepEqual([...collectTasks({ all: { a: one, b: 'no task' } }, 'm').keys()], ['one']);
  });

  it('takes the same definition under two names once', () => {
    assert.equal(collectTasks({ one, default: one }, 'm').size, 1);
  });

  it('refuses two definitions of one name, naming both exports', () => {
    const again = defineTask('one', () => {});
    assert.throws(() => collectTasks({ one, tasks: [again] }, '/app/tasks.js'), {
      code: 'E_TASK_DUPLICATE',
      message: /^\/app\/tasks\.js: the exports "one" and "tasks\.0" both define the task "one"/,
    });
  });

  it('refuses a module without tasks, naming what it has', () => {
    assert.throws(() => collectTasks({}, '/app/tasks.js'), {
      code: 'E_TASK_MODULE_EMPTY',
      message: /exports nothing; export at least one/,
    });
    const lookalike = { name: 'one', kind: 'task', handler: () => {} };
    assert.throws(() => collectTasks({ lookalike, b: 1, c: 1, d: 1, e: 1, f: 1 }, 'm'), {
      code: 'E_TASK_MODULE_EMPTY',
      message: /exports lookalike, b, c, d, e, …, but no task/,
    });
  });
});
