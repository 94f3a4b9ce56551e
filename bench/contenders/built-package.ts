/**
 * The package as its users get it: compiled, and found by its name through package.json `exports`.
 * Not a plain import, because the types shall come from the sources: they are there before anything is built.
 */
import { packageUrl } from './package-url.ts';

export const millrace: typeof import('../../src/index.ts') = await import(packageUrl('.'));
