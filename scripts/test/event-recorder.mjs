/**
 * A reporter of node's test runner that writes for scripts/test.ts what its closing lines need: which tests
 * passed, were skipped and why, or failed, and the runner's own figures (`tests 12`, `pass 12`, …). Two runs of the runner
 * (parallel files, then serial ones) can so be summed up as one.
 *
 * Plain JavaScript, because node loads reporters before it loads what `--import` names.
 *
 * @param {AsyncIterable<import('node:test/reporters').TestEvent>} source
 * @returns {AsyncGenerator<string>} lines of JSON, see recorded-event.ts
 */
export default async function* recordEvents(source) {
  for await (const event of source) {
    const recorded = toRecordedEvent(event);
    if (recorded !== undefined) yield `${JSON.stringify(recorded)}\n`;
  }
}

function toRecordedEvent({ type, data }) {
  if (type === 'test:pass' && data.skip !== undefined && data.skip !== false) {
    const reason = typeof data.skip === 'string' ? data.skip : '';
    return { kind: 'skipped', name: data.name, file: data.file ?? '', reason };
  }
  // A suite passes because its tests do, and a file because what is in it does.
  if (type === 'test:pass') {
    const { type: kind, duration_ms: ms } = data.details;
    return kind === 'suite' ? undefined : { kind: 'passed', name: data.name, file: data.file ?? '', ms };
  }
  if (type === 'test:fail') {
    const { error } = data.details;
    // A suite fails because a test in it does: that test is told, and the suite says nothing new.
    if (error.failureType === 'subtestsFailed') return undefined;
    return {
      kind: 'failed',
      name: data.name,
      file: data.file ?? '',
      message: messageOf(error),
      ms: data.details.duration_ms,
    };
  }
  if (type === 'test:diagnostic' && data.nesting === 0) {
    const figure = /^(tests|suites|pass|fail|cancelled|skipped|todo) (\d+)$/.exec(data.message);
    if (figure !== null) return { kind: 'figure', name: figure[1], value: Number(figure[2]) };
  }
  return undefined;
}

function messageOf(error) {
  const text = error.cause instanceof Error ? error.cause.message : String(error.cause ?? error.message);
  return text.split('\n')[0];
}
