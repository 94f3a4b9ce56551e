import ts from 'typescript';

/** One documented option, as options.ts has it. */
export interface DocumentedOption {
  /** Interface that it is a field of. */
  readonly group: string;
  readonly name: string;
  /** Path from RuntimeOptions, e.g. `batching.maxAge`, `queues[].prefetch`. */
  readonly path: string;
  readonly type: string;
  readonly text: string;
  readonly defaultValue: string | undefined;
  readonly remarks: string | undefined;
  /** From the remarks: `Env X`. */
  readonly variable: string | undefined;
}

const ROOT_GROUP = 'RuntimeOptions';

/** Reads the interfaces named …Options and …Settings: fields, types and doc comments. */
export function readOptions(source: string): readonly DocumentedOption[] {
  const file = ts.createSourceFile('options.ts', source, ts.ScriptTarget.ESNext, true);
  const interfaces = file.statements
    .filter(ts.isInterfaceDeclaration)
    .filter(({ name }) => /(Options|Settings)$/.test(name.text));
  const prefixes = prefixesOf(interfaces);
  return interfaces.flatMap((group) =>
    group.members.filter(ts.isPropertySignature).map((field) => readField(group.name.text, field, prefixes)),
  );
}

/** Where the fields of each interface are found, e.g. TlsSettings at `broker.tls.`. */
function prefixesOf(interfaces: readonly ts.InterfaceDeclaration[]): ReadonlyMap<string, string> {
  const prefixes = new Map([[ROOT_GROUP, '']]);
  const names = interfaces.map((group) => group.name.text);
  for (const group of [...interfaces, ...interfaces]) {
    const own = prefixes.get(group.name.text);
    if (own === undefined) continue; // found in the second round
    for (const field of group.members.filter(ts.isPropertySignature)) {
      const type = field.type?.getText() ?? '';
      const inner = names.find((name) => new RegExp(`\\b${name}\\b`).test(type));
      if (inner !== undefined)
        prefixes.set(
          inner,
          `${own}${field.name.getText()}${type.includes('[]') && inner === 'QueueSettings' ? '[]' : ''}.`,
        );
    }
  }
  return prefixes;
}

function readField(
  group: string,
  field: ts.PropertySignature,
  prefixes: ReadonlyMap<string, string>,
): DocumentedOption {
  const name = field.name.getText();
  const [comment] = ts.getJSDocCommentsAndTags(field).filter(ts.isJSDoc);
  if (comment === undefined) throw new Error(`${group}.${name} has no doc comment`);
  const tag = (wanted: string): string | undefined => {
    const found = comment.tags?.find(({ tagName }) => tagName.text === wanted);
    return found === undefined ? undefined : flow(ts.getTextOfJSDocComment(found.comment));
  };
  const remarks = tag('remarks');
  return {
    group,
    name,
    path: `${prefixes.get(group) ?? `${group}.`}${name}`,
    type: flow(field.type?.getText()),
    text: flow(ts.getTextOfJSDocComment(comment.comment)),
    defaultValue: tag('defaultValue'),
    remarks,
    variable: /\bEnv `([A-Z_]+)`/.exec(remarks ?? '')?.[1],
  };
}

/** Without the line breaks of the source. */
function flow(text: string | undefined): string {
  return (text ?? '').replaceAll(/\s*\n\s*/g, ' ').trim();
}
