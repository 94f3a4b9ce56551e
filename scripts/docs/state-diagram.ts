import ts from 'typescript';

/** A transition table in the source: states, and for each the states that may follow. */
export interface StateTable {
  /** Name of the generated part in docs/lifecycle.md. */
  readonly name: string;
  readonly file: string;
  readonly constant: string;
}

export const STATE_TABLES: readonly StateTable[] = [
  { name: 'runtime states', file: 'src/runtime/runtime-state.ts', constant: 'RUNTIME_MOVES' },
  { name: 'thread pool states', file: 'src/executor/thread/thread-executor.ts', constant: 'NEXT' },
  { name: 'connection states', file: 'src/broker/amqp/connection-state.ts', constant: 'NEXT' },
  { name: 'consumer channel states', file: 'src/broker/amqp/consumer-channel.ts', constant: 'NEXT' },
  { name: 'store states', file: 'src/store/store-state.ts', constant: 'STORE_STATE_NEXT' },
];

/** The table as a mermaid diagram. The first state is where it begins; states that nothing follows are where it ends. */
export function stateDiagram(source: string, table: StateTable): string {
  const moves = readMoves(source, table);
  const lines = moves.flatMap(([from, next]) =>
    next.length === 0 ? [`    ${from} --> [*]`] : next.map((to) => `    ${from} --> ${to}`),
  );
  return ['```mermaid', 'stateDiagram-v2', `    [*] --> ${moves[0]?.[0] ?? ''}`, ...lines, '```'].join('\n');
}

function readMoves(source: string, { file, constant }: StateTable): readonly (readonly [string, readonly string[]])[] {
  const parsed = ts.createSourceFile(file, source, ts.ScriptTarget.ESNext, true);
  const found = parsed.statements
    .filter(ts.isVariableStatement)
    .flatMap((statement) => [...statement.declarationList.declarations])
    .find((declaration) => declaration.name.getText() === constant);
  let value = found?.initializer;
  while (value !== undefined && (ts.isSatisfiesExpression(value) || ts.isAsExpression(value))) value = value.expression;
  if (value === undefined || !ts.isObjectLiteralExpression(value)) throw new Error(`${file} has no table ${constant}`);
  return value.properties.filter(ts.isPropertyAssignment).map((property) => {
    if (!ts.isArrayLiteralExpression(property.initializer))
      throw new Error(`${file}: ${constant}.${property.name.getText()} is no list`);
    return [
      property.name.getText(),
      property.initializer.elements.filter(ts.isStringLiteral).map(({ text }) => text),
    ] as const;
  });
}
