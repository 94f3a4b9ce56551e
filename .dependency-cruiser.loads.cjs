/**
 * What a process loads, as opposed to what a file mentions: imports of types do not count here, and a rule reaches
 * through any number of files. The layers are in .dependency-cruiser.cjs.
 */

/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    {
      name: 'threads-load-little',
      comment:
        'Each thread pays for what it loads in start time and memory, and a thread has no connection to the broker.',
      severity: 'error',
      from: { path: '^src/executor/thread/executor\\.thread\\.ts$' },
      to: {
        path: '^src/(broker|delivery|runtime|client|dead-letters|cli|http|testing|config)/|node_modules/(rabbitmq-client|fastify|pino)/',
        reachable: true,
      },
    },
    {
      name: 'task-entry-loads-little',
      comment:
        'millrace/task is imported by task modules and by producers for its types: it must cost nothing to load.',
      severity: 'error',
      from: { path: '^src/task/index\\.ts$' },
      to: { path: '^src/(?!task/|errors/|support/)|node_modules/', reachable: true },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsConfig: { fileName: 'tsconfig.json' },
    tsPreCompilationDeps: false,
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'types', 'node', 'default'],
      extensions: ['.ts', '.mjs', '.js', '.d.ts'],
    },
  },
};
