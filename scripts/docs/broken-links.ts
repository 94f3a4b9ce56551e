import { access, readdir, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

const LINK = /\]\(([^)\s]+)\)/g;

/** Relative links of README, CHANGELOG, CONTRIBUTING and docs that lead to no file; a line each. */
export async function findBrokenLinks(root: string): Promise<string[]> {
  const inDocs = (await readdir(join(root, 'docs'), { recursive: true })).map((path) => join('docs', path));
  const atTop = await readdir(root);
  const pages = [...atTop, ...inDocs].filter((path) => path.endsWith('.md'));
  const problems: string[] = [];
  for (const page of pages) {
    const text = await readFile(join(root, page), 'utf8');
    for (const [, target = ''] of text.matchAll(LINK)) {
      const path = target.split('#')[0] ?? '';
      if (path === '' || /^[a-z]+:/.test(path)) continue;
      if (!(await exists(join(root, dirname(page), path))))
        problems.push(`${page} links to ${target}, which is not there`);
    }
  }
  return problems;
}

async function exists(path: string): Promise<boolean> {
  try {
    await access(path);
    return true;
  } catch {
    return false;
  }
}
