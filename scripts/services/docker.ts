import { fileURLToPath } from 'node:url';
import { lastLines, runCommand } from './run-command.ts';

const ENGINE_TIMEOUT_MS = 8000;
/** The first start downloads the images. */
const UP_TIMEOUT_MS = 300_000;

const projectFolder = fileURLToPath(new URL('../../', import.meta.url));

export type ComposeService = 'rabbitmq' | 'mongodb';

/** True where an engine answers and Compose is there: a docker client alone starts nothing. */
export async function dockerAnswers(): Promise<boolean> {
  const info = await runCommand('docker', ['info', '--format', '{{.ServerVersion}}'], { timeoutMs: ENGINE_TIMEOUT_MS });
  if (info.code !== 0) return false;
  const compose = await runCommand('docker', ['compose', 'version'], { timeoutMs: ENGINE_TIMEOUT_MS });
  return compose.code === 0;
}

/** Starts one service of docker-compose.yml and waits until its health check says that it is up. */
export async function composeUp(service: ComposeService, onLine: (line: string) => void): Promise<void> {
  const args = ['compose', 'up', '--detach', '--wait', service];
  const result = await runCommand('docker', args, { timeoutMs: UP_TIMEOUT_MS, cwd: projectFolder, onLine });
  if (result.code !== 0) throw new Error(`docker compose up ${service}: ${lastLines(result)}`);
}

/** Stops one service and removes its container and anonymous volumes. */
export async function composeDown(service: ComposeService): Promise<void> {
  const args = ['compose', 'rm', '--stop', '--force', '--volumes', service];
  const result = await runCommand('docker', args, { timeoutMs: 60_000, cwd: projectFolder });
  if (result.code !== 0) throw new Error(`docker compose rm ${service}: ${lastLines(result)}`);
}
