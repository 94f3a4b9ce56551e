import { createRequire } from 'node:module';
import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';

/**
 * Imports a module by its URL, also TypeScript where the process was started with a loader for it.
 * On Node 20 such a loader (tsx) hooks `import` in the main thread only, but `require` in every thread: so where
 * `import` does not know a file's extension and `require` does, it is required. Compiled code never comes to that.
 */
export async function importModule(url: string): Promise<Readonly<Record<string, unknown>>> {
  try {
    return (await import(url)) as Readonly<Record<string, unknown>>;
  } catch (thrown) {
    const require = createRequire(import.meta.url);
    if (!isUnknownExtension(thrown) || !(extname(url) in require.extensions)) throw thrown;
    return require(fileURLToPath(url)) as Readonly<Record<string, unknown>>;
  }
}

function isUnknownExtension(thrown: unknown): boolean {
  return thrown instanceof Error && (thrown as { code?: unknown }).code === 'ERR_UNKNOWN_FILE_EXTENSION';
}
