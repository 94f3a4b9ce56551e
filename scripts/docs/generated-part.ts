/**
 * Replaces what stands between `<!-- generated: NAME -->` and `<!-- end of NAME -->`. Throws where the page has no such
 * marks: a part that is missing is a mistake, not an empty part.
 */
export function replaceGenerated(page: string, name: string, text: string): string {
  const begin = `<!-- generated: ${name} -->`;
  const end = `<!-- end of ${name} -->`;
  const from = page.indexOf(begin);
  const to = page.indexOf(end);
  if (from === -1 || to < from) throw new Error(`the page has no part between '${begin}' and '${end}'`);
  return `${page.slice(0, from + begin.length)}\n\n${text.trim()}\n\n${page.slice(to)}`;
}
