import assert from 'node:assert/strict';
import { test } from 'node:test';
import { allocationSites, type SamplingNode } from '../../../bench/harness/allocation-sites.ts';

const PACKAGE = 'file:///home/someone/millrace';

function node(functionName: string, url: string, selfSize: number, children: SamplingNode[] = []): SamplingNode {
  return { callFrame: { functionName, url }, selfSize, children };
}

function root(...children: SamplingNode[]): SamplingNode {
  return node('(root)', '', 0, children);
}

test('a function has what it allocated itself under every caller, the most first', () => {
  const append = (bytes: number): SamplingNode => node('append', `${PACKAGE}/dist/batch/slab.js`, bytes);
  const profile = root(
    node('pump', `${PACKAGE}/dist/delivery/dispatcher.js`, 70, [append(40)]),
    node('onStreamRead', 'node:internal/stream_base_commons', 5, [append(60)]),
  );
  assert.deepEqual(allocationSites(profile), {
    sites: [
      { place: 'batch/slab.js append', bytes: 100 },
      { place: 'delivery/dispatcher.js pump', bytes: 70 },
      { place: 'node:internal/stream_base_commons onStreamRead', bytes: 5 },
    ],
    benchBytes: 0,
  });
});

test('a builtin counts for its caller, and for V8 where it has none', () => {
  const builtin = (bytes: number): SamplingNode => node('delete', '', bytes);
  const profile = root(builtin(3), node('left', `${PACKAGE}/dist/delivery/dispatcher.js`, 10, [builtin(7)]));
  assert.deepEqual(allocationSites(profile).sites, [
    { place: 'delivery/dispatcher.js left', bytes: 17 },
    { place: 'V8, outside of any function', bytes: 3 },
  ]);
});

test('a dependency is named, also one with a scope', () => {
  const profile = root(
    node('runTask', `${PACKAGE}/node_modules/piscina/dist/index.js`, 2),
    node('', `${PACKAGE}/node_modules/@scope/pool/lib/pool.js`, 1),
  );
  assert.deepEqual(
    allocationSites(profile).sites.map(({ place }) => place),
    ['piscina: index.js runTask', '@scope/pool: pool.js (anonymous)'],
  );
});

test('what the bench allocates, and what it calls, is told apart', () => {
  const stats = node('stats', `${PACKAGE}/dist/runtime/runtime.js`, 30);
  const profile = root(node('look', `${PACKAGE}/bench/.build/harness/memory-child.js`, 10, [stats]), stats);
  assert.deepEqual(allocationSites(profile), {
    sites: [{ place: 'runtime/runtime.js stats', bytes: 30 }],
    benchBytes: 40,
  });
});
