/** `millrace/task` as its users get it; see built-package.ts. Apart from it, because a thread shall load only this. */
import { packageUrl } from './package-url.ts';

export const millraceTask: typeof import('../../src/task/index.ts') = await import(packageUrl('./task'));
