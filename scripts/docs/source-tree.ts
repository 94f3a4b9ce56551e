import { readdir, readFile } from 'node:fs/promises';
import ts from 'typescript';

/** What each folder is for, in the order of the picture. A folder that is missing here, or here and not there, fails. */
const FOLDERS: Readonly<Record<string, string>> = {
  src: 'the public surface: named exports only',
  'src/runtime': 'composition and life cycle; the only place that names adapters',
  'src/delivery': 'the hot path, a file a box of the picture',
  'src/client': 'the sending side',
  'src/dead-letters': 'reading, replaying and dropping dead letters',
  'src/executor': 'the port to whatever runs batches, and what every executor needs',
  'src/executor/thread': 'a pool of worker_threads',
  'src/executor/inline': 'this thread, for tests and small embeddings',
  'src/broker': 'the ports to a message broker, and topology as data',
  'src/broker/amqp': 'RabbitMQ: deliveries by a native AMQP 0-9-1 reader',
  'src/broker/memory': 'a broker in this process',
  'src/store': 'the port to a document store, and how effects are written',
  'src/store/mongo': 'MongoDB',
  'src/store/memory': 'a store in this process',
  'src/codec': 'how a body becomes a payload',
  'src/task': 'what task modules import; pure',
  'src/batch': 'bytes on both sides of the thread boundary; pure',
  'src/config': 'options: documentation, defaults, checks',
  'src/telemetry': 'logs and latency',
  'src/errors': 'one error class and its catalogue of codes',
  'src/support': 'domain-free, one thing a file',
  'src/cli': 'the millrace command',
  'src/cli/demo': 'the job that `millrace demo` runs',
  'src/testing': 'the public test kit',
};

/** The folders and files under src, each with the first sentence that its code says about it. */
export async function sourceTree(root: string): Promise<string> {
  const files = (await readdir(`${root}/src`, { recursive: true, withFileTypes: true })).filter((entry) =>
    entry.isFile(),
  );
  const byFolder = new Map<string, string[]>();
  for (const { parentPath, name } of files) {
    const folder = parentPath.slice(root.length).replace(/^\/+/, '');
    byFolder.set(folder, [...(byFolder.get(folder) ?? []), name]);
  }
  const unknown = [...byFolder.keys()].filter((folder) => !(folder in FOLDERS));
  const gone = Object.keys(FOLDERS).filter((folder) => !byFolder.has(folder));
  if (unknown.length > 0)
    throw new Error(`scripts/docs/source-tree.ts does not say what these are for: ${unknown.join(', ')}`);
  if (gone.length > 0)
    throw new Error(`scripts/docs/source-tree.ts names folders that are not there: ${gone.join(', ')}`);

  const lines: string[] = [];
  for (const [folder, purpose] of Object.entries(FOLDERS)) {
    lines.push('', `**\`${folder}/\`** ${purpose}`, '');
    for (const name of (byFolder.get(folder) ?? []).sort()) {
      const path = `${folder}/${name}`;
      const sentence = firstSentence(await readFile(`${root}/${path}`, 'utf8'), name);
      lines.push(`- [${name}](../${path})${sentence === '' ? '' : `: ${sentence}`}`);
    }
  }
  return lines.join('\n');
}

/** Of the comment at the top of the file, else of the export that it is named after, else of its first class or function. */
function firstSentence(source: string, name: string): string {
  const file = ts.createSourceFile(name, source, ts.ScriptTarget.ESNext, true);
  const [first] = file.statements;
  const exported = file.statements.filter((statement) => ts.canHaveModifiers(statement) && isExported(statement));
  const wanted = name.replace(/(\.thread)?\.ts$/, '').replaceAll('-', '');
  const namesake = exported.find((statement) => nameOf(statement)?.toLowerCase() === wanted);
  const doing = exported.filter((statement) => ts.isClassDeclaration(statement) || ts.isFunctionDeclaration(statement));
  const top = first !== undefined && (ts.isImportDeclaration(first) || ts.isExportDeclaration(first)) ? [first] : [];
  for (const statement of [...top, namesake, first, ...doing, ...exported]) {
    const sentence = statement === undefined ? '' : sentenceAbove(statement, source);
    if (sentence !== '') return sentence;
  }
  return '';
}

/** The beginning of the doc comment above a statement: up to its first full stop, colon, drawing or empty line. */
function sentenceAbove(statement: ts.Statement, source: string): string {
  const ranges = ts.getLeadingCommentRanges(source, statement.pos) ?? [];
  const comment = ranges.map(({ pos, end }) => source.slice(pos, end)).findLast((text) => text.startsWith('/**'));
  const lines = (comment ?? '')
    .replace(/^\/\*\*/, '')
    .replace(/\*\/$/, '')
    .split('\n')
    .map((line) => line.replace(/^\s*\* ?/, ''));
  const [paragraph = ''] = lines
    .join('\n')
    .trim()
    .split(/\n(?:\s*\n| {4})/);
  const text = paragraph.replaceAll(/\s+/g, ' ').trim();
  const end = /\.(?= [A-Z`]|$)|:(?= |$)/.exec(text);
  return end === null ? text : text.slice(0, end.index);
}

function isExported(statement: ts.Statement): boolean {
  const modifiers = ts.canHaveModifiers(statement) ? ts.getModifiers(statement) : undefined;
  return modifiers?.some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword) === true;
}

function nameOf(statement: ts.Statement): string | undefined {
  if (ts.isVariableStatement(statement)) return statement.declarationList.declarations[0]?.name.getText();
  const named = statement as ts.Statement & { readonly name?: ts.Node };
  return named.name?.getText();
}
