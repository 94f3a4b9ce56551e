import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { fileURLToPath, pathToFileURL } from 'node:url';

const projectFolder = fileURLToPath(new URL('../../../../', import.meta.url));
const runFilesUrl = pathToFileURL(join(projectFolder, 'scripts/test/run-files.ts')).href;

interface Run {
  readonly code: number | null;
  readonly events: {
    kind: string;
    name: string;
    reason?: string;
    message?: string;
    value?: number;
    file?: string;
    ms?: number;
  }[];
}

describe('a run of test files', () => {
  // Inside the project, so that the files find tsx and node's types as any test does.
  const folder = mkdtempSync(join(projectFolder, 'node_modules/.millrace-run-files-'));
  after(() => rmSync(folder, { recursive: true, force: true }));

  test('records figures, skips with their reasons and failures, and the exit code tells of the failure', async () => {
    const path = join(folder, 'mixed.test.ts');
    writeFileSync(
      path,
      `import { test, describe } from 'node:test';
       test('passes', () => undefined);
       test('is skipped', { skip: 'no server' }, () => undefined);
       describe('suite', () => { test('fails', () => { throw new Error('first line\\nsecond'); }); });`,
    );
    const { code, events } = await run([path]);
    assert.equal(code, 1);
    const failed = events.filter((event) => event.kind === 'failed');
    assert.deepEqual(
      failed.map(({ name, message }) => [name, message]),
      [['fails', 'first line']],
    );
    assert.equal(events.find((event) => event.kind === 'skipped')?.reason, 'no server');
    const passed = events.filter((event) => event.kind === 'passed');
    assert.deepEqual(
      passed.map(({ name, file }) => [name, file]),
      [['passes', path]],
      'neither the suite nor the file counts as a test',
    );
    assert.ok((passed[0]?.ms ?? -1) >= 0);
    assert.equal(events.find((event) => event.kind === 'figure' && event.name === 'pass')?.value, 1);
  });

  test('a file that cannot be loaded is a failure', async () => {
    const path = join(folder, 'broken.test.ts');
    writeFileSync(path, `import './nothing-there.ts';`);
    assert.equal((await run([path])).code, 1);
  });

  test('no files are nothing to run', async () => {
    assert.deepEqual(await run([]), { code: 0, events: [] });
  });
});

/** In a process of its own: a test run inside a test run would be taken for its subtests. */
function run(paths: readonly string[]): Promise<Run> {
  const script = `import { runFiles } from ${JSON.stringify(runFilesUrl)};
    const result = await runFiles(${JSON.stringify(paths)}, { projectFolder: ${JSON.stringify(projectFolder)}, concurrency: 1,
      fileTimeoutMs: 60_000, namePattern: undefined, env: process.env, signal: new AbortController().signal });
    console.log('\\u0000' + JSON.stringify(result));`;
  const { NODE_TEST_CONTEXT: _inside, ...env } = process.env;
  const args = ['--import', 'tsx', '--input-type=module', '-e', script];
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, args, { env, cwd: projectFolder });
    let output = '';
    child.stdout.setEncoding('utf8').on('data', (text) => (output += text));
    child.once('error', reject);
    child.once('close', () => resolve(JSON.parse(output.slice(output.lastIndexOf('\u0000') + 1)) as Run));
  });
}
