/**
 * The package as its users get it: compiled, and found by its name through package.json `exports`.
 * Not a plain import, because the types shall come from the sources: they are there before anything is built.
 */
const NAME: string = 'millrace';

export const millrace: typeof import('../../src/index.ts') = await import(NAME);
