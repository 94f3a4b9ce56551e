import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { LogLimiter } from '../../../src/telemetry/log-limiter.ts';

interface Rig {
  readonly log: LogLimiter;
  readonly lines: { level: string; fields: object; message: string }[];
}

function rig(t: TestContext, perSecond: number): Rig {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const lines: Rig['lines'] = [];
  const at =
    (level: string) =>
    (fields: object, message: string): void => {
      lines.push({ level, fields, message });
    };
  const logger = { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
  return { log: new LogLimiter(logger, { perSecond }), lines };
}

describe('LogLimiter', () => {
  it('passes what is within the limit on as it is', (t) => {
    const { log, lines } = rig(t, 2);
    log.info('a', { n: 1 }, 'one');
    log.warn('a', { n: 2 }, 'two');
    log.error('a', { n: 3 }, 'three');
    t.mock.timers.tick(1_000);
    assert.deepEqual(lines, [
      { level: 'info', fields: { n: 1 }, message: 'one' },
      { level: 'warn', fields: { n: 2 }, message: 'two' },
      { level: 'error', fields: { n: 3 }, message: 'three' },
    ]);
  });

  it('holds back what is beyond it and says within a second how many lines that were, once', (t) => {
    const { log, lines } = rig(t, 3);
    for (let n = 0; n < 4_315; n++) log.warn('score E_TIMEOUT', { n }, `failed ${n}`);
    assert.deepEqual(
      lines.map(({ message }) => message),
      ['failed 0', 'failed 1', 'failed 2'],
    );
    t.mock.timers.tick(999);
    assert.equal(lines.length, 3);
    t.mock.timers.tick(1);
    assert.deepEqual(lines.slice(3), [
      {
        level: 'warn',
        fields: { kind: 'score E_TIMEOUT', more: 4_312 },
        message: '… and 4312 more like it within a second: score E_TIMEOUT',
      },
    ]);
    t.mock.timers.tick(10_000);
    assert.equal(lines.length, 4);
  });

  it('lets as many through again in the next second', (t) => {
    const { log, lines } = rig(t, 1);
    for (let second = 0; second < 3; second++) {
      log.info('a', {}, `second ${second}`);
      t.mock.timers.tick(1_000);
    }
    assert.deepEqual(
      lines.map(({ message }) => message),
      ['second 0', 'second 1', 'second 2'],
    );
  });

  it('limits kinds and levels apart from each other', (t) => {
    const { log, lines } = rig(t, 1);
    for (const kind of ['a', 'b', 'a']) {
      log.info(kind, {}, `info ${kind}`);
      log.warn(kind, {}, `warn ${kind}`);
    }
    log.flush();
    assert.deepEqual(
      lines.map(({ level, message }) => `${level}: ${message}`),
      [
        'info: info a',
        'warn: warn a',
        'info: info b',
        'warn: warn b',
        'info: … and 1 more like it within a second: a',
        'warn: … and 1 more like it within a second: a',
      ],
    );
  });

  it('limits kinds without end together', (t) => {
    const { log, lines } = rig(t, 2);
    for (let n = 0; n < 5_000; n++) log.warn(`kind ${n}`, {}, `line ${n}`);
    assert.equal(lines.length, 102);
    log.flush();
    assert.deepEqual(lines.slice(102), [
      {
        level: 'warn',
        fields: { kind: 'other kinds', more: 4_898 },
        message: '… and 4898 more like it within a second: other kinds',
      },
    ]);
  });

  it('says at the stop what it holds back, and still writes what comes after', (t) => {
    const { log, lines } = rig(t, 1);
    for (let n = 0; n < 3; n++) log.error('a', {}, `line ${n}`);
    log.stop();
    assert.equal(lines.at(-1)?.message, '… and 2 more like it within a second: a');
    log.error('a', {}, 'late');
    assert.equal(lines.at(-1)?.message, 'late');
    log.stop();
    assert.equal(lines.length, 3);
  });

  it('loses no line of a logger that logs through it', (t) => {
    t.mock.timers.enable({ apis: ['setTimeout'] });
    const messages: string[] = [];
    const ignore = (): void => undefined;
    const again = (_fields: object, message: string): void => {
      messages.push(message);
      if (message.startsWith('…')) log.warn('summary', {}, 'seen');
    };
    const log: LogLimiter = new LogLimiter(
      { debug: ignore, info: ignore, warn: again, error: ignore },
      { perSecond: 1 },
    );
    log.warn('a', {}, 'one');
    log.warn('a', {}, 'two');
    t.mock.timers.tick(1_000);
    assert.deepEqual(messages, ['one', '… and 1 more like it within a second: a', 'seen']);
  });
});

it('keeps no process alive', () => {
  const before = process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length;
  const ignore = (): void => undefined;
  const log = new LogLimiter({ debug: ignore, info: ignore, warn: ignore, error: ignore }, { perSecond: 1 });
  log.info('a', {}, 'one');
  assert.equal(process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length, before);
  log.stop();
});
