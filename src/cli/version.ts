import { readFile } from 'node:fs/promises';

/** The version of the package, whose only place is package.json: as far away from src/cli as from dist/cli. */
export async function readVersion(): Promise<string> {
  const text = await readFile(new URL('../../package.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as { readonly version: string }).version;
}
