import { existsSync } from 'node:fs';
import { mkdir, rename, rm, symlink } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { dirname, join } from 'node:path';
import { withBuildLock } from './build-lock.ts';
import {
  cacheFolder,
  createCacheFolder,
  requireFreeSpace,
  SECANTUS_PYTHON_VERSION,
  SECANTUS_VERSION,
  secantusFolder,
  secantusPythonFolder,
} from './cache-folder.ts';
import { findBinary } from './find-binary.ts';
import { downloadedMongod, findMongoBinary } from './mongo-server.ts';
import { lastLines, runCommand } from './run-command.ts';

const MONGOD_VERSION = '8.2.6';
const DOWNLOAD_HOST = 'https://fastdl.mongodb.org/';
const REACH_TIMEOUT_MS = 5000;
const DOWNLOAD_TIMEOUT_MS = 300_000;
const BUILD_TIMEOUT_MS = 25 * 60_000;
const VENV_TIMEOUT_MS = 300_000;
const BUILD_BYTES = 3 * 2 ** 30;
const PROGRESS_MS = 10_000;

type Progress = (line: string) => void;

/**
 * Puts a MongoDB server into the cache folder: MongoDB itself where its download host is reachable, else SecantusDB
 * built by cargo (five minutes on two cores), else SecantusDB's Python server by pip (seconds; 6 to 8 times slower).
 * @throws with what each of the three said
 */
export async function installMongo(onProgress: Progress): Promise<void> {
  const folder = await createCacheFolder();
  const onWait = (pid: number): void => onProgress(`waiting for process ${pid}, which installs a MongoDB server`);
  await withBuildLock(join(folder, 'install-mongo.lock'), onWait, async () => {
    if (findMongoBinary() !== undefined) return; // the process that we waited for did it
    const failures: string[] = [];
    for (const install of [downloadMongod, buildSecantus, installSecantusPython]) {
      try {
        await install(onProgress);
        return;
      } catch (error) {
        failures.push((error as Error).message);
        onProgress((error as Error).message);
      }
    }
    throw new Error(`no MongoDB server could be installed: ${failures.join('; ')}`);
  });
}

async function downloadMongod(onProgress: Progress): Promise<void> {
  await requireReachable();
  await requireFreeSpace(cacheFolder(), 2 ** 30);
  onProgress(`downloading mongod ${MONGOD_VERSION}`);
  // Loaded on demand: it reads the machine's configuration when it is imported.
  const { MongoBinary } = await import('mongodb-memory-server-core/lib/util/MongoBinary.js');
  const options = { version: MONGOD_VERSION, downloadDir: join(cacheFolder(), 'mongod-binaries') };
  const path = await withTimeout(MongoBinary.getPath(options), DOWNLOAD_TIMEOUT_MS, 'downloading mongod');
  const version = await runCommand(path, ['--version'], { timeoutMs: 10_000 });
  if (version.code !== 0) throw new Error(`the downloaded mongod does not run here: ${lastLines(version)}`);
  await rm(downloadedMongod(), { force: true });
  await symlink(path, downloadedMongod());
}

/** The download library tries again and again; where the host is not reachable the answer must come in seconds. */
async function requireReachable(): Promise<void> {
  const proxy = ['HTTPS_PROXY', 'https_proxy'].some((name) => (process.env[name] ?? '') !== '');
  if (proxy) return; // the library goes through it, and our own request would not
  try {
    await fetch(DOWNLOAD_HOST, { method: 'HEAD', signal: AbortSignal.timeout(REACH_TIMEOUT_MS) });
  } catch (error) {
    throw new Error(`mongod cannot be downloaded: ${DOWNLOAD_HOST} is not reachable`, { cause: error });
  }
}

async function buildSecantus(onProgress: Progress): Promise<void> {
  const cargo = await findCargo();
  await requireFreeSpace(cacheFolder(), BUILD_BYTES);
  // Built beside its place and moved there when complete, so that an interrupted build is never taken for a server.
  const building = `${secantusFolder()}.building`;
  await rm(building, { recursive: true, force: true });
  await mkdir(building, { recursive: true });
  const began = Date.now();
  let lastLine = '';
  const tell = (): void => onProgress(`building SecantusDB, ${seconds(began)} s: ${lastLine}`);
  onProgress(`building SecantusDB ${SECANTUS_VERSION} with cargo (about five minutes on two cores, once a machine)`);
  const timer = setInterval(tell, PROGRESS_MS);
  try {
    const source = ['secantus-mdb', '--version', SECANTUS_VERSION, '--locked', '--ignore-rust-version'];
    const result = await runCommand(cargo.path, ['install', ...source, '--root', building], {
      timeoutMs: BUILD_TIMEOUT_MS,
      env: { ...cargo.env, CARGO_TARGET_DIR: join(building, 'target') },
      onLine: (line) => (lastLine = line),
    });
    if (result.code !== 0) throw new Error(`cargo install secantus-mdb failed: ${lastLines(result)}`);
    await rm(join(building, 'target'), { recursive: true, force: true });
    await rm(secantusFolder(), { recursive: true, force: true });
    await rename(building, secantusFolder());
    onProgress(`built SecantusDB in ${seconds(began)} s`);
  } finally {
    clearInterval(timer);
    await rm(building, { recursive: true, force: true });
  }
}

/**
 * A cargo that answers. Where HOME is not the user's own, rustup's cargo does not find its toolchains, so it is told
 * where they lie: beside the folder that it was installed in.
 */
async function findCargo(): Promise<{ path: string; env: NodeJS.ProcessEnv }> {
  const path = findBinary('cargo', [join(userInfo().homedir, '.cargo', 'bin')]);
  if (path === undefined) throw new Error('SecantusDB cannot be built: there is no cargo');
  const rustupHome = join(dirname(dirname(dirname(path))), '.rustup');
  const candidates: NodeJS.ProcessEnv[] = [process.env];
  if (existsSync(rustupHome)) candidates.push({ ...process.env, RUSTUP_HOME: rustupHome });
  let complaint = '';
  for (const env of candidates) {
    const result = await runCommand(path, ['--version'], { timeoutMs: 30_000, env });
    if (result.code === 0) return { path, env };
    complaint = result.stderr.trim().split('\n')[0] ?? '';
  }
  throw new Error(`SecantusDB cannot be built: ${path}: ${complaint}`);
}

async function installSecantusPython(onProgress: Progress): Promise<void> {
  onProgress(`installing the Python server of SecantusDB ${SECANTUS_PYTHON_VERSION}`);
  const folder = secantusPythonFolder();
  await rm(folder, { recursive: true, force: true }); // a venv cannot be moved, so an incomplete one is made anew
  const python = findBinary('python3') ?? findBinary('python');
  if (python === undefined) throw new Error('SecantusDB cannot be installed: there is no python3');
  const venv = await runCommand(python, ['-m', 'venv', folder], { timeoutMs: VENV_TIMEOUT_MS });
  if (venv.code !== 0) throw new Error(`python3 -m venv failed: ${lastLines(venv)}`);
  const what = `secantusdb==${SECANTUS_PYTHON_VERSION}`;
  const pip = await runCommand(join(folder, 'bin', 'pip'), ['install', '--quiet', what], {
    timeoutMs: VENV_TIMEOUT_MS,
  });
  if (pip.code !== 0) {
    await rm(folder, { recursive: true, force: true });
    throw new Error(`pip install ${what} failed: ${lastLines(pip)}`);
  }
}

function seconds(since: number): number {
  return Math.round((Date.now() - since) / 1000);
}

async function withTimeout<T>(work: Promise<T>, timeoutMs: number, what: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what} took longer than ${timeoutMs / 1000} s`)), timeoutMs);
  });
  try {
    return await Promise.race([work, timeout]);
  } finally {
    clearTimeout(timer);
  }
}
