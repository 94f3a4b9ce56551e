/**
 * `npm run services`: finds or starts RabbitMQ and MongoDB, and says what it uses and why.
 */
import { parseArgs } from 'node:util';
import { ensureServices, type Services, withoutPassword } from './ensure-services.ts';
import { serverLedger } from './server-ledger.ts';

const HELP = `Usage: npm run services -- COMMAND [--json]

  up       find RabbitMQ and MongoDB, or start them; they stay up until "down"
  down     stop what "up" started, and nothing else
  status   what would be used now, without starting anything that stays
  env      the same as lines for a shell: eval "$(npm run --silent services -- env)"

  --json   one JSON object instead of text
  --help   this text

Each server is had by the first way that works: the URL in AMQP_URL / MONGO_URL; a server that listens on its default
port; Docker Compose; a binary on PATH or in the cache folder; installed, with INSTALL_SERVICES=1.

  INSTALL_SERVICES=1       may install: RabbitMQ with apt-get (root on Debian or Ubuntu), MongoDB into the cache folder
  MILLRACE_SERVICES=own    always start servers of our own: no URL, no listening server, no Docker
  MILLRACE_CACHE=FOLDER    where built servers are kept (default: $XDG_CACHE_HOME/millrace or ~/.cache/millrace)

Exit code: 0 both are there, 1 one is missing, 2 wrong arguments.
`;

async function main(argv: readonly string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...argv],
    allowPositionals: true,
    options: { json: { type: 'boolean', default: false }, help: { type: 'boolean', default: false } },
  });
  const command = positionals[0] ?? 'status';
  if (values.help) {
    process.stdout.write(HELP);
    return 0;
  }
  switch (command) {
    case 'up':
      return report(
        await ensureServices({ install: process.env['INSTALL_SERVICES'] === '1', outlives: true }),
        values.json,
      );
    case 'down':
      return down(values.json);
    case 'status':
    case 'env': {
      const services = await ensureServices({ install: false, lookOnly: true });
      return command === 'env' && !values.json ? printEnvironment(services) : report(services, values.json);
    }
    default:
      process.stderr.write(`services: got "${command}", expected up, down, status or env; see --help\n`);
      return 2;
  }
}

function report(services: Services, json: boolean): number {
  if (json) {
    const { amqpUrl = null, managementUrl = null, mongoUrl = null, labels, owned } = services;
    process.stdout.write(`${JSON.stringify({ amqpUrl, managementUrl, mongoUrl, labels, owned }, null, 2)}\n`);
  } else {
    process.stdout.write(`${services.describe().join('\n')}\n`);
  }
  return services.amqpUrl !== undefined && services.mongoUrl !== undefined ? 0 : 1;
}

function printEnvironment(services: Services): number {
  const variables = {
    AMQP_URL: services.amqpUrl,
    MANAGEMENT_URL: services.managementUrl,
    MONGO_URL: services.mongoUrl,
  };
  for (const [name, value] of Object.entries(variables)) {
    if (value !== undefined) process.stdout.write(`export ${name}='${value.replaceAll("'", "'\\''")}'\n`);
  }
  return services.amqpUrl !== undefined && services.mongoUrl !== undefined ? 0 : 1;
}

function down(json: boolean): number {
  const stopped = serverLedger.running().filter((entry) => entry.owner === null);
  for (const entry of stopped) serverLedger.destroy(entry);
  const lines = stopped.map((entry) => `stopped ${entry.label} at ${withoutPassword(entry.url)}`);
  if (json) process.stdout.write(`${JSON.stringify({ stopped: stopped.map(({ label, url }) => ({ label, url })) })}\n`);
  else process.stdout.write(`${lines.length > 0 ? lines.join('\n') : 'nothing to stop'}\n`);
  return 0;
}

main(process.argv.slice(2)).then(
  (code) => {
    process.exitCode = code;
  },
  (error: unknown) => {
    process.stderr.write(`services: ${(error as Error).message}\n`);
    process.exitCode = (error as { code?: string }).code?.startsWith('ERR_PARSE_ARGS') === true ? 2 : 1;
  },
);
