import { readdirSync, statSync } from 'node:fs';
import { join, relative, sep } from 'node:path';

/** The folders of test/ that hold tests, in the order in which they run: cheapest first. */
export const TEST_GROUPS = ['unit', 'types', 'contract', 'integration', 'e2e', 'faults'] as const;
export type TestGroup = (typeof TEST_GROUPS)[number];

/** Groups that use real servers. Their files run one after the other: they share the servers and measure time. */
const SERVER_GROUPS: ReadonlySet<TestGroup> = new Set(['contract', 'integration', 'e2e', 'faults']);

export interface TestFile {
  /** Relative to the project's folder, with forward slashes. */
  readonly path: string;
  readonly group: TestGroup;
}

export function needsServers(file: TestFile): boolean {
  return SERVER_GROUPS.has(file.group);
}

/**
 * The test files to run.
 *
 * @param selection - names of groups, paths of files or folders below test/, or parts of paths; none means all
 * @throws when an argument selects nothing, or when there are no tests at all: a green run of nothing is a lie
 */
export function selectTestFiles(projectFolder: string, selection: readonly string[]): TestFile[] {
  const all = listTestFiles(projectFolder);
  if (all.length === 0) throw new Error(`no test files in ${join(projectFolder, 'test')}/{${TEST_GROUPS.join(',')}}`);
  if (selection.length === 0) return all;

  const selected = new Set<TestFile>();
  for (const argument of selection) {
    const matches = all.filter((file) => isSelectedBy(file, argument, projectFolder));
    if (matches.length === 0) {
      throw new Error(`"${argument}" selects no test file; expected a group (${TEST_GROUPS.join(', ')}) or a path`);
    }
    for (const file of matches) selected.add(file);
  }
  return all.filter((file) => selected.has(file));
}

function isSelectedBy(file: TestFile, argument: string, projectFolder: string): boolean {
  if (TEST_GROUPS.includes(argument as TestGroup)) return file.group === argument;
  const path = argument.startsWith('/') ? relative(projectFolder, argument) : argument;
  return file.path.includes(path.replace(/^\.\//, '').split(sep).join('/'));
}

function listTestFiles(projectFolder: string): TestFile[] {
  return TEST_GROUPS.flatMap((group) => {
    const folder = join(projectFolder, 'test', group);
    if (statSync(folder, { throwIfNoEntry: false })?.isDirectory() !== true) return [];
    return readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.test.ts'))
      .sort()
      .map((name) => ({ group, path: ['test', group, ...name.split(sep)].join('/') }));
  });
}
