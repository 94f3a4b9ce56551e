import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { needsServers, selectTestFiles } from '../../../../scripts/test/test-files.ts';

describe('the choice of test files', () => {
  const project = mkdtempSync(join(tmpdir(), 'millrace-test-files-'));
  before(() => {
    const files = [
      'unit/batch/slab.test.ts',
      'unit/a.test.ts',
      'e2e/run.test.ts',
      'contract/exercise-broker.ts',
      'support/x.test.ts',
    ];
    for (const file of files) {
      mkdirSync(dirname(join(project, 'test', file)), { recursive: true });
      writeFileSync(join(project, 'test', file), '');
    }
  });
  after(() => rmSync(project, { recursive: true, force: true }));
  const paths = (...selection: string[]): string[] => selectTestFiles(project, selection).map((file) => file.path);

  test('without arguments all test files of the groups are taken, cheap groups first', () => {
    assert.deepEqual(paths(), ['test/unit/a.test.ts', 'test/unit/batch/slab.test.ts', 'test/e2e/run.test.ts']);
  });

  test('a group, a folder, a file and a part of a path each select', () => {
    assert.deepEqual(paths('e2e'), ['test/e2e/run.test.ts']);
    assert.deepEqual(paths('test/unit/batch'), ['test/unit/batch/slab.test.ts']);
    assert.deepEqual(paths('./test/unit/a.test.ts'), ['test/unit/a.test.ts']);
    assert.deepEqual(paths(join(project, 'test/unit/a.test.ts')), ['test/unit/a.test.ts']);
    assert.deepEqual(paths('slab', 'e2e', 'slab'), ['test/unit/batch/slab.test.ts', 'test/e2e/run.test.ts']);
  });

  test('an argument that selects nothing is an error, beside others that do', () => {
    assert.throws(() => paths('unit', 'typo'), /"typo" selects no test file/);
  });

  test('a project without tests is an error', () => {
    assert.throws(() => selectTestFiles(join(project, 'nowhere'), []), /no test files/);
  });

  test('unit tests need no servers, the others may', () => {
    assert.deepEqual(selectTestFiles(project, []).map(needsServers), [false, false, true]);
  });
});
