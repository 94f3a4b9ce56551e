/**
 * npm run bench:micro [-- NAME…]: runs the benches of this folder, each in a fresh process, one after the other, so that
 * none inherits another's optimised code. NAME: only those whose file name contains one of the names.
 */
import { spawnSync } from 'node:child_process';
import { readdir } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

const FOLDER = new URL('./', import.meta.url);
const names = process.argv.slice(2);

const all = (await readdir(FOLDER)).filter((file) => file.endsWith('.bench.ts')).sort();
const chosen = all.filter((file) => names.length === 0 || names.some((name) => file.includes(name)));

if (names.includes('--help') || chosen.length === 0) {
  console.log(`Usage: npm run bench:micro [-- NAME…]\nThere are ${all.join(', ')}`);
  process.exit(names.includes('--help') ? 0 : 2);
}

const failed = chosen.filter((file, i) => {
  process.stderr.write(`${i + 1} of ${chosen.length}: ${file}\n`);
  const args = ['--import', 'tsx', fileURLToPath(new URL(file, FOLDER))];
  return spawnSync(process.execPath, args, { stdio: 'inherit' }).status !== 0;
});
if (failed.length > 0) process.stderr.write(`FAILED: ${failed.join(', ')}\n`);
process.exitCode = failed.length > 0 ? 1 : 0;
