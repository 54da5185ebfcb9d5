import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, openSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { fromUnix } from '../../../src/base/time.js';
import { JsonLog } from '../../../src/observe/jsonlog.js';
import { LineFile } from '../../../src/observe/linefile.js';
import { isJournal, openLog } from '../../../src/observe/log.js';
import type { Fact, Severity } from '../../../src/ports/observer.js';

const fact = (text: string, severity: Severity = 'info', fields?: Fact['fields']): Fact => ({
  severity,
  name: 'test.fact',
  text,
  at: fromUnix(1795225324, 123456789),
  ...(fields === undefined ? {} : { fields }),
});

let dir: string;
let path: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'timeball-log-'));
  path = join(dir, 'daemon.log');
});
afterEach(() => rmSync(dir, { recursive: true }));

const read = (file = path): string => readFileSync(file, 'utf8');

describe('the text log', () => {
  const open = (minSeverity = 0) => openLog({ format: 'text', file: path, toStderr: false, minSeverity });

  it("has chronyd's form", () => {
    const log = open();
    log.fact(fact('Selected source PPS'));
    log.fact(fact('Could not open /x', 'fatal'));
    log.close();
    assert.equal(
      read(),
      '2026-11-21T01:42:04Z Selected source PPS\n2026-11-21T01:42:04Z Fatal error : Could not open /x\n',
    );
  });

  it('leaves out what is below the severity', () => {
    const log = open(1);
    const severities: readonly Severity[] = ['debug', 'info', 'warn', 'error', 'fatal'];
    for (const severity of severities) log.fact(fact(severity, severity));
    log.close();
    assert.deepEqual(read().match(/(?<=Z ).*/g), ['warn', 'error', 'Fatal error : fatal']);
  });

  it('keeps a fact on its line', () => {
    const log = open();
    log.fact(fact('a\nb\x1b[2J'));
    log.close();
    assert.equal(read(), '2026-11-21T01:42:04Z a?b?[2J\n');
  });

  it('is opened anew after logrotate, and kept when that fails', () => {
    const log = open();
    log.fact(fact('one'));
    renameSync(path, `${path}.1`);
    log.reopen();
    log.fact(fact('two'));
    log.close();
    assert.match(read(), /two\n$/);
    assert.match(read(`${path}.1`), /one\n$/);
  });

  it('a file that cannot be opened is a coded error', () => {
    assert.throws(() => openLog({ format: 'text', file: join(dir, 'no', 'x'), toStderr: false, minSeverity: 0 }), {
      code: 'ERR_TB_SYSCALL',
    });
  });
});

describe('a line that cannot be written', () => {
  it('is dropped and counted', () => {
    const full = LineFile.of(openSync('/dev/full', 'w'));
    full.write('x');
    full.write('y');
    assert.equal(full.dropped, 2);
  });
});

describe('the JSON log', () => {
  it('is one record a fact, in order, also from before pino was loaded', async () => {
    const log = new JsonLog(LineFile.open(path), 0);
    log.fact(fact('first', 'info', { source: 'PPS', offset: 1e-9 }));
    log.fact(fact('unseen', 'debug'));
    await log.ready;
    log.fact(fact('second', 'fatal'));
    log.close();
    const [first, second, ...more] = read()
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    assert.deepEqual(first, {
      level: 'info',
      pid: process.pid,
      time: '2026-11-21T01:42:04.123456Z',
      event: 'test.fact',
      fields: { source: 'PPS', offset: 1e-9 },
      msg: 'first',
    });
    assert.deepEqual([second?.['level'], second?.['msg'], more.length], ['fatal', 'second', 0]);
  });

  it('bounds what waits, and loses nothing silently', async () => {
    const log = new JsonLog(LineFile.open(path), 0);
    for (let i = 0; i < 1500; i++) log.fact(fact(`f${i}`));
    await log.ready;
    log.close();
    const lines = read().trimEnd().split('\n');
    assert.equal(lines.length, 1001);
    assert.equal((JSON.parse(lines[1000]!) as { fields: { count: number } }).fields.count, 500);
  });

  it('closed before pino was loaded, it still says why', () => {
    const log = new JsonLog(LineFile.open(path), 0);
    log.fact(fact('Nothing to do', 'fatal'));
    log.close();
    assert.equal((JSON.parse(read()) as { msg: string }).msg, 'Nothing to do');
  });
});

describe('around the log', () => {
  it('knows the journal by its socket', () => {
    assert.equal(isJournal(undefined), false);
    assert.equal(isJournal('1:2', 0), false);
    assert.equal(isJournal('1:2', 9999), false);
  });
});

describe('stderr', () => {
  it("carries chronyd's prefix for what ends the daemon", () => {
    const module = JSON.stringify(new URL('../../../src/observe/log.js', import.meta.url).href);
    const script = `import(${module}).then(({ openLog }) => {
      const log = openLog({ format: 'text', file: undefined, toStderr: true, minSeverity: 0 });
      log.fact({ severity: 'fatal', name: 'x', text: 'Nothing to do', at: 1795225324000000000n });
    });`;
    const { stderr } = spawnSync(process.execPath, ['-e', script], { encoding: 'utf8', timeout: 10000 });
    assert.equal(stderr, '2026-11-21T01:42:04Z Fatal error : Nothing to do\n');
  });
});
