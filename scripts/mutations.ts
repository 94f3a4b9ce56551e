/**
 * `npm run mutations`: shows that the tests which guard the guarantee can fail. Each mutation is a small change to a
 * copy of the source that breaks one promise; the test named beside it must then fail.
 *
 *     npm run mutations [-- --help]
 *
 * Exit code: 0 every mutation was caught, 1 one was not.
 */
import { spawnSync } from 'node:child_process';
import { cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

interface Change {
  readonly file: string;
  readonly find: string;
  readonly replace: string;
}

interface Mutation {
  readonly name: string;
  readonly changes: readonly Change[];
  /** Argument for `npm test`. */
  readonly test: string;
}

const MUTATIONS: readonly Mutation[] = [
  {
    name: 'acks before it stores',
    changes: [
      {
        file: 'delivery/dispatcher.ts',
        find: '    const { name, task } = batch.lane.queue;\n',
        replace:
          '    const { name, task } = batch.lane.queue;\n    if (run.indexes === undefined) batch.lane.settle(batch, 0, batch.count);\n',
      },
      { file: 'delivery/completer.ts', find: '    batch.lane.settle(batch, from, count);\n', replace: '' },
    ],
    test: 'test/faults/kill-worker.test.ts',
  },
];

const project = fileURLToPath(new URL('../', import.meta.url));
const copy = `${project}.mutant`;

function applyChange({ file, find, replace }: Change): void {
  const path = `${copy}/src/${file}`;
  const source = readFileSync(path, 'utf8');
  const parts = source.split(find);
  if (parts.length !== 2) throw new Error(`${file}: expected once, found ${parts.length - 1} times: ${find.trim()}`);
  writeFileSync(path, parts.join(replace));
}

/** True when the test failed, as it must. */
function isCaught(mutation: Mutation): boolean {
  rmSync(copy, { recursive: true, force: true });
  for (const folder of ['src', 'test/fixtures/worker'])
    cpSync(`${project}${folder}`, `${copy}/${folder}`, { recursive: true });
  try {
    for (const change of mutation.changes) applyChange(change);
    const args = ['--import', 'tsx', `${project}scripts/test.ts`, mutation.test];
    const env = { ...process.env, MILLRACE_PROJECT: copy };
    const result = spawnSync(process.execPath, args, { cwd: project, env, encoding: 'utf8', maxBuffer: 64 << 20 });
    const reason = /\d+ of \d+ confirmed messages are lost/.exec(result.stdout)?.[0];
    process.stdout.write(
      `${mutation.name}: ${result.status === 0 ? 'NOT CAUGHT' : 'caught'}${reason === undefined ? '' : `, ${reason}`}\n`,
    );
    return result.status !== 0 && reason !== undefined;
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
}

const { values } = parseArgs({ options: { help: { type: 'boolean', default: false } } });
if (values.help)
  process.stdout.write(
    'Usage: npm run mutations\n\nBreaks copies of the source on purpose; the tests named in scripts/mutations.ts must notice.\n',
  );
else process.exitCode = MUTATIONS.map(isCaught).every(Boolean) ? 0 : 1;
