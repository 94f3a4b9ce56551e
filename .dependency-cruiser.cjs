/**
 * The layers of docs/architecture.md. Arrows point down only:
 *
 *     cli, http, testing
 *            │
 *         runtime                     composition: start-runtime.ts alone names adapters
 *            │
 *     delivery  client  dead-letters  know ports; neither adapters nor each other
 *            │
 *     adapters                        broker/amqp broker/memory store/mongo store/memory executor/thread executor/inline
 *            │                        know their own port, not each other
 *     ports                           the files directly in broker, store, executor, codec
 *            │
 *     task, batch, config, telemetry
 *            │
 *     errors, support
 */
const ADAPTER = '^src/(broker|store|executor)/[^/]+/';
const PORT = '^src/(broker|store|executor|codec)/[^/]+\\.ts$';

/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    {
      name: 'no-cycles',
      comment: 'Files that load each other cannot be tested or loaded one at a time. (Types may refer to each other.)',
      severity: 'error',
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    {
      name: 'base-knows-nothing',
      comment:
        'errors and support are used by everything, so they may use nothing: else every change reaches everywhere.',
      severity: 'error',
      from: { path: '^src/(errors|support)/' },
      to: { path: '^src/', pathNot: '^src/(errors|support)/' },
    },
    {
      name: 'pure-parts-know-no-port',
      comment:
        'task, batch, config and telemetry are plain data and functions, tested without a broker, store or thread. ' +
        'They may name the types of a port: an option can hold a broker.',
      severity: 'error',
      from: { path: '^src/(task|batch|config|telemetry)/' },
      to: {
        path: '^src/',
        pathNot: '^src/(task|batch|config|telemetry|errors|support)/',
        dependencyTypesNot: ['type-only'],
      },
    },
    {
      name: 'pure-parts-know-nothing-above-ports',
      comment: 'Not even the types: an option that named an adapter would tie every user to it.',
      severity: 'error',
      from: { path: '^src/(task|batch|config|telemetry)/' },
      to: { path: `${ADAPTER}|^src/(delivery|client|dead-letters|runtime|cli|http|testing)/` },
    },
    {
      name: 'ports-know-no-adapter',
      comment: 'A port says what is needed. If it knew an adapter, a second adapter would have to look like the first.',
      severity: 'error',
      from: { path: PORT },
      to: { path: `${ADAPTER}|^src/(delivery|client|dead-letters|runtime|cli|http|testing)/` },
    },
    {
      name: 'adapters-know-their-port-only',
      comment: 'An adapter can be replaced or read alone only if it knows neither other adapters nor who uses it.',
      severity: 'error',
      from: { path: '^src/(broker|store)/([^/]+)/' },
      to: {
        path: '^src/(broker|store|executor|codec|delivery|client|dead-letters|runtime|cli|http|testing)/',
        pathNot: ['^src/$1/$2/', '^src/$1/[^/]+\\.ts$'],
      },
    },
    {
      name: 'executors-know-what-a-thread-runs',
      comment:
        'An executor runs batches: it knows its port, codecs and the port of the store, and nothing of the broker side.',
      severity: 'error',
      from: { path: '^src/executor/([^/]+)/' },
      to: {
        path: '^src/(broker|store/[^/]+/|executor/[^/]+/|delivery|client|dead-letters|runtime|cli|http|testing)',
        pathNot: ['^src/executor/$1/'],
      },
    },
    {
      name: 'delivery-and-client-know-ports-only',
      comment: 'The hot path runs on any broker, store and executor; in tests on those that live in memory.',
      severity: 'error',
      from: { path: '^src/(delivery|client|dead-letters)/' },
      to: { path: `${ADAPTER}|^src/(runtime|cli|http|testing)/` },
    },
    {
      name: 'delivery-and-client-are-strangers',
      comment:
        'A producer must not load the hot path, a worker must not load the producer, and dead letters are read without either.',
      severity: 'error',
      from: { path: '^src/(delivery|client|dead-letters)/' },
      to: { path: '^src/(delivery|client|dead-letters)/', pathNot: '^src/$1/' },
    },
    {
      name: 'composition-in-one-place',
      comment: 'Only start-runtime.ts, create-client.ts and the test kit say which adapter is used.',
      severity: 'error',
      from: { path: '^src/', pathNot: [ADAPTER, '^src/runtime/', '^src/testing/', '^src/index\\.ts$'] },
      to: { path: ADAPTER },
    },
    {
      name: 'nobody-knows-the-edges',
      comment: 'cli, http and testing are entrances: what is behind them works without them.',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/(cli|http|testing)/' },
      to: { path: '^src/(cli|http|testing)/' },
    },
    ...[
      // The memory store refuses what the driver's BSON refuses. The demo counts without the product that it shows.
      ['mongodb', '^src/(store/(mongo|memory)|cli/demo)/'],
      ['rabbitmq-client', '^src/(broker/amqp|cli/demo)/'],
      ['piscina', '^src/executor/thread/'],
      ['pino', '^src/telemetry/'],
    ].map(([library, home]) => ({
      name: `${library}-stays-in-its-adapter`,
      comment: `What only ${home} imports can be replaced there, and no type of ${library} leaks out.`,
      severity: 'error',
      from: { path: '^src/', pathNot: home },
      to: { path: `node_modules/${library}/` },
    })),
    {
      name: 'product-needs-no-tools',
      comment: 'A package that is a development dependency is not there where millrace is installed.',
      severity: 'error',
      from: { path: '^src/' },
      to: { dependencyTypes: ['npm-dev', 'npm-no-pkg', 'npm-unknown', 'unknown', 'undetermined'] },
    },
    {
      name: 'product-knows-no-tests',
      comment: 'src is what is published; test, bench and scripts are not.',
      severity: 'error',
      from: { path: '^src/' },
      to: { path: '^(test|bench|scripts)/' },
    },
    {
      name: 'resolvable',
      comment: 'An import that leads nowhere fails when it is run.',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '(^|/)(dist|\\.build)/|bench/contenders/prototype' },
    tsConfig: { fileName: 'tsconfig.json' },
    // Imports of types count too; .dependency-cruiser.loads.cjs is about what is loaded.
    tsPreCompilationDeps: true,
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'types', 'node', 'default'],
      extensions: ['.ts', '.mjs', '.js', '.d.ts'],
    },
  },
};
