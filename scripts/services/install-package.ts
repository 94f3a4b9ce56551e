import { existsSync } from 'node:fs';
import { chmod, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { findBinary } from './find-binary.ts';
import { type CommandResult, lastLines, runCommand } from './run-command.ts';

/** Debian's packages ask this program whether they may start their service; exit code 101 means no. */
const POLICY_FILE = '/usr/sbin/policy-rc.d';
const POLICY = '#!/bin/sh\n# Written by millrace while it installs a server: no service may be started.\nexit 101\n';
const APT_TIMEOUT_MS = 600_000;

/** What can be installed, by the name of its package. */
const SERVERS = {
  'rabbitmq-server': { product: 'RabbitMQ', variable: 'AMQP_URL' },
  'redis-server': { product: 'Redis', variable: 'REDIS_URL' },
} as const;

/**
 * Installs a server from the distribution's packages; where the user is root on Debian or Ubuntu. The system's
 * service is not started: we run servers of our own.
 * @throws with what is missing, or with the last lines of apt-get
 */
export async function installPackage(name: keyof typeof SERVERS, onProgress: (line: string) => void): Promise<void> {
  const { product, variable } = SERVERS[name];
  const refusal = `${product} cannot be installed`;
  if (findBinary('apt-get') === undefined) throw new Error(`${refusal}: this system has no apt-get`);
  if (process.getuid?.() !== 0) throw new Error(`${refusal}: apt-get needs root; or set ${variable}`);
  onProgress(`installing ${name} with apt-get (about a minute)`);
  const restorePolicy = await forbidAutostart();
  try {
    await apt('update');
    await apt('install', '--yes', '--no-install-recommends', name);
  } finally {
    await restorePolicy();
  }
}

async function apt(...args: string[]): Promise<void> {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  // Another apt run on the machine is waited for.
  const result: CommandResult = await runCommand('apt-get', ['-o', 'DPkg::Lock::Timeout=120', '-q', ...args], {
    timeoutMs: APT_TIMEOUT_MS,
    env,
  });
  if (result.code !== 0) throw new Error(`apt-get ${args[0]} failed: ${lastLines(result)}`);
}

/** Returns what puts everything back as it was. */
async function forbidAutostart(): Promise<() => Promise<void>> {
  const saved = `${POLICY_FILE}.before-millrace`;
  const existed = existsSync(POLICY_FILE) && (await readFile(POLICY_FILE, 'utf8')) !== POLICY;
  if (existed) await rename(POLICY_FILE, saved);
  await writeFile(POLICY_FILE, POLICY);
  await chmod(POLICY_FILE, 0o755);
  return async () => {
    if (existed) await rename(saved, POLICY_FILE);
    else await rm(POLICY_FILE, { force: true });
  };
}
