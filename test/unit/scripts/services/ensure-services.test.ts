import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { ensureServices, withoutPassword } from '../../../../scripts/services/ensure-services.ts';
import { findPort } from '../../../../scripts/services/find-port.ts';

const command = fileURLToPath(new URL('../../../../scripts/services/services.ts', import.meta.url));

describe('the search for servers', () => {
  test('a given URL whose server cannot be used is an error that names the variable', async () => {
    const before = process.env['AMQP_URL'];
    process.env['AMQP_URL'] = `amqp://guest:guest@127.0.0.1:${await findPort()}`;
    try {
      await assert.rejects(
        ensureServices({ install: false, own: false, onProgress: () => undefined }),
        /AMQP_URL is set/,
      );
    } finally {
      if (before === undefined) delete process.env['AMQP_URL'];
      else process.env['AMQP_URL'] = before;
    }
  });

  test('a URL is printed without its password', () => {
    assert.equal(withoutPassword('amqp://me:secret@host:5672/v'), 'amqp://me:***@host:5672/v');
    assert.equal(withoutPassword('mongodb://host:27017/?replicaSet=rs'), 'mongodb://host:27017/?replicaSet=rs');
  });
});

describe('npm run services', () => {
  test('--help names every command and exits with 0', async () => {
    const { code, output } = await run('--help');
    assert.equal(code, 0);
    for (const word of [
      'up',
      'down',
      'status',
      'env',
      '--json',
      'INSTALL_SERVICES',
      'MILLRACE_SERVICES',
      'MILLRACE_CACHE',
    ]) {
      assert.ok(output.includes(word), word);
    }
  });

  test('an unknown command or flag exits with 2 and says what was expected', async () => {
    const unknown = await run('upp');
    assert.equal(unknown.code, 2);
    assert.match(unknown.output, /got "upp", expected up, down, status or env/);
    assert.equal((await run('--jason')).code, 2);
  });
});

function run(...args: string[]): Promise<{ code: number | null; output: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, ['--import', 'tsx', command, ...args]);
    let output = '';
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text) => (output += text));
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, output }));
  });
}
