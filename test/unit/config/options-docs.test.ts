import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { readOptions } from '../../../scripts/docs/read-options.ts';
import { DEFAULTS } from '../../../src/config/defaults.ts';
import { ENVIRONMENT } from '../../../src/config/from-env.ts';

const options = readOptions(readFileSync(new URL('../../../src/config/options.ts', import.meta.url), 'utf8'));

/** Interface of options.ts → group of defaults.ts. */
const GROUPS: Readonly<Record<string, keyof typeof DEFAULTS>> = {
  RuntimeOptions: 'runtime',
  BrokerSettings: 'broker',
  TlsSettings: 'tls',
  StoreSettings: 'store',
  BatchingSettings: 'batching',
  CreditSettings: 'credit',
  QueueSettings: 'queue',
  TimeoutSettings: 'timeouts',
  UnknownTaskSettings: 'unknownTasks',
  DelaySettings: 'delays',
  ShutdownSettings: 'shutdown',
  LogSettings: 'log',
};

function defaultOf(group: string, name: string): unknown {
  const key = GROUPS[group];
  return key === undefined ? undefined : (DEFAULTS[key] as Readonly<Record<string, unknown>>)[name];
}

test('every literal default in the documentation is the one in the code', () => {
  for (const { group, name, path, defaultValue } of options) {
    const literal = /^`(.*)`$/.exec(defaultValue ?? '')?.[1];
    const actual = defaultOf(group, name);
    if (literal !== undefined)
      assert.equal(typeof actual === 'string' ? actual : JSON.stringify(actual), literal, path);
    else assert.equal(actual, undefined, `${path} has the default ${JSON.stringify(actual)}, which is not documented`);
  }
});

test('every default in the code is documented', () => {
  for (const [group, key] of Object.entries(GROUPS)) {
    for (const name of Object.keys(DEFAULTS[key])) {
      assert.ok(
        options.some((option) => option.group === group && option.name === name),
        `${group}.${name}`,
      );
    }
  }
});

test('environment variables are documented at the option they set, and nowhere else', () => {
  const documented = options.flatMap(({ path, variable }) => (variable === undefined ? [] : [[variable, path]]));
  assert.deepEqual(Object.fromEntries(documented), { ...ENVIRONMENT });
});

test('every option says something, and those with a range which error follows', () => {
  for (const { path, text, remarks } of options) {
    assert.ok(text.length > 20, `${path}: ${text}`);
    if (/\d to \d/.test(remarks ?? '')) assert.match(remarks ?? '', /E_OPTION_RANGE|characters/, path);
  }
});
