/** The house rules that a compiler cannot see. */
import assert from 'node:assert/strict';
import { dirname, join, normalize } from 'node:path';
import { describe, it } from 'node:test';
import { codeOnly, filesBelow, readRepo } from '../support/tree.js';

/** What each room may import, besides itself. */
const MAY: Record<string, readonly string[]> = {
  base: [],
  ports: ['base'],
  wire: ['base', 'ports'],
  conf: ['base', 'ports', 'wire'],
  core: ['base', 'ports', 'wire'],
  engine: ['base', 'ports', 'wire', 'conf', 'core'],
  serve: ['base', 'ports', 'wire', 'core', 'engine'],
  sim: ['base', 'ports', 'wire', 'conf', 'core', 'engine', 'serve'],
  devices: ['base', 'ports', 'wire'],
  observe: ['base', 'ports', 'wire', 'core'],
  control: ['base', 'ports', 'wire', 'core'],
  app: ['base', 'ports', 'wire', 'conf', 'core', 'engine', 'serve', 'sim', 'devices', 'observe', 'control'],
};
const PURE = ['base', 'ports', 'wire', 'conf', 'core', 'engine', 'serve', 'sim'];
/** One home a dependency: swapping a package is a one-file change. */
const HOMES: Record<string, readonly string[]> = {
  serialport: ['src/devices/serial.ts'],
  '@serialport/parser-readline': ['src/app/demo/receiver-process.ts'],
  'nmea-simple': ['src/wire/receiver/'],
  'ipaddr.js': ['src/base/ip.ts'],
  pino: ['src/observe/'],
  'node-gyp-build': ['src/devices/native.ts'],
};

export const importsOf = (text: string): string[] => [
  ...[...text.matchAll(/^\s*(?:import|export)\b[^'"]*?from\s+'([^']+)'/gm)].map((m) => m[1]!),
  ...[...text.matchAll(/^import\s+'([^']+)'/gm)].map((m) => m[1]!),
  ...[...text.matchAll(/\bimport\(\s*'([^']+)'/g)].map((m) => m[1]!),
  ...[...text.matchAll(/\brequire\('([^']+)'\)/g)].map((m) => m[1]!),
];

const roomOf = (path: string): string => path.split('/')[1]!;

/** Complaints about one file's imports. */
export const importProblems = (path: string, text: string): string[] => {
  const room = roomOf(path);
  const problems: string[] = [];
  for (const target of importsOf(text)) {
    if (target.startsWith('.')) {
      const to = normalize(join(dirname(path), target));
      const other = roomOf(to);
      if (!to.startsWith('src/')) problems.push(`${path}: ${target} leaves src`);
      else if (other !== room && !MAY[room]?.includes(other)) problems.push(`${path}: ${room} may not import ${other}`);
      else if ((room === 'control' || room === 'observe') && other === 'core' && !to.startsWith('src/core/report/')) {
        problems.push(`${path}: ${room} sees core/report only, not ${to}`);
      }
    } else if (target.startsWith('node:')) {
      if (PURE.includes(room)) problems.push(`${path}: ${target} in a pure room`);
    } else {
      const homes = HOMES[target];
      if (homes === undefined) problems.push(`${path}: ${target} has no home`);
      else if (!homes.some((home) => path.startsWith(home)))
        problems.push(`${path}: ${target} belongs to ${homes.join(', ')}`);
    }
  }
  return problems;
};

/** Timers, process and console do not compile in the pure rooms; these do. */
const BANNED = [
  [/\bDate\.now\b/, 'Date.now'],
  [/\bnew Date\(\s*\)/, 'new Date()'],
  [/\bMath\.random\b/, 'Math.random'],
  [/\bperformance\b/, 'performance'],
] as const;

export const bannedReads = (text: string): string[] =>
  BANNED.filter(([pattern]) => pattern.test(codeOnly(text))).map(([, name]) => name);

const sources = filesBelow('src', '.ts');

describe('rooms', () => {
  it('has sources to look at', () => assert.ok(sources.length > 50));

  it('imports go one way only, and every package has one home', () => {
    assert.deepEqual(
      sources.flatMap((path) => importProblems(path, readRepo(path))),
      [],
    );
  });

  it('pure rooms read neither clock nor randomness', () => {
    const pure = sources.filter((path) => PURE.includes(roomOf(path)));
    assert.deepEqual(
      pure.flatMap((path) => bannedReads(readRepo(path)).map((name) => `${path}: ${name}`)),
      [],
    );
  });

  it('sees a violation when there is one', () => {
    assert.equal(importProblems('src/core/x.ts', "import { a } from '../engine/engine.js';").length, 1);
    assert.equal(importProblems('src/sim/x.ts', "import { a } from '../devices/clock.js';").length, 1);
    assert.equal(importProblems('src/wire/x.ts', "import fs from 'node:fs';").length, 1);
    assert.equal(importProblems('src/control/x.ts', "import { a } from '../core/sample.js';").length, 1);
    assert.equal(importProblems('src/app/x.ts', "import { SerialPort } from 'serialport';").length, 1);
    assert.deepEqual(bannedReads('const t = Date.now(); // fine\n'), ['Date.now']);
    assert.deepEqual(bannedReads('// Date.now() in a comment\nconst s = "ok";'), []);
  });

  it('no source file is longer than 600 lines', () => {
    const long = [...sources, ...filesBelow('addon', '.cc'), ...filesBelow('addon', '.h')].filter(
      (path) => readRepo(path).split('\n').length > 600,
    );
    assert.deepEqual(long, []);
  });
});
