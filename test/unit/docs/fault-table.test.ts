/** The table of faults in docs/guarantees.md names tests that exist: it cannot promise what nothing injects. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

const PROJECT = new URL('../../../', import.meta.url);

/** Names of all tests, with … for what a template fills in. */
function testNames(): Set<string> {
  const folder = fileURLToPath(new URL('test/', PROJECT));
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'));
  return new Set(files.flatMap((file) => namesIn(readFileSync(`${folder}${file}`, 'utf8'))));
}

function namesIn(source: string): string[] {
  const names: string[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isCallExpression(node) && /^(test|it)$/.test(node.expression.getText())) {
      const name = nameOf(node.arguments[0]);
      if (name !== undefined) names.push(name);
    }
    ts.forEachChild(node, visit);
  };
  visit(ts.createSourceFile('test.ts', source, ts.ScriptTarget.ESNext, true));
  return names;
}

function nameOf(argument: ts.Expression | undefined): string | undefined {
  if (argument === undefined) return undefined;
  if (ts.isStringLiteralLike(argument)) return argument.text;
  if (!ts.isTemplateExpression(argument)) return undefined;
  return argument.head.text + argument.templateSpans.map(({ literal }) => `…${literal.text}`).join('');
}

function tableRows(): string[] {
  const page = readFileSync(new URL('docs/guarantees.md', PROJECT), 'utf8');
  const table = /<!-- fault table -->([^]*?)<!-- end of fault table -->/.exec(page)?.[1];
  assert.ok(table !== undefined, 'docs/guarantees.md has no fault table');
  const lines = table.split('\n').filter((line) => line.startsWith('|'));
  return lines.slice(2);
}

test('every row of the fault table names tests that exist', () => {
  const known = testNames();
  const rows = tableRows();
  assert.ok(rows.length > 20, `${rows.length} rows`);
  for (const row of rows) {
    const named = [...row.matchAll(/“(.+?)”/g)].map(([, name]) => name as string);
    assert.ok(named.length > 0, row);
    for (const name of named) assert.ok(known.has(name), `there is no test called “${name}”`);
  }
});
