/** Files that the daemon reads: whatever is in them, there is a value or none, and never an exception or a lie. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { add, fromUnix, maxInstant } from '../../src/base/time.js';
import { readSourceDirs } from '../../src/conf/sourcedirs.js';
import { formatDrift, parseDrift } from '../../src/core/discipline/drift.js';
import { leapOfDay, selfCheck, taiOffsetAt, utcFromTai } from '../../src/core/discipline/leaptable.js';
import { MIN_POINTS, parseTempcompPoints } from '../../src/core/discipline/tempcomp.js';
import { formatRtcFile, parseRtcFile } from '../../src/core/rtc/file.js';
import { formatDump, parseDump } from '../../src/core/sources/dump.js';
import { type LeapFileResult, parseLeapList, parseTzif } from '../../src/wire/leapfile.js';
import { DIGEST_BYTES, parseKeyFile } from '../../src/wire/ntp/keyfile.js';
import { leapList, rightUtc } from '../support/leapfiles.js';

const BUDGET_MS = 1200;
const NOW = fromUnix(1_795_225_324);
const encode = (text: string): Uint8Array => Uint8Array.from(text, (c) => c.charCodeAt(0) & 255);
const decode = (bytes: Uint8Array): string => Array.from(bytes, (b) => String.fromCharCode(b)).join('');

/** A good file with bytes changed, cut out or doubled; and plain noise. */
const mutated = (good: Uint8Array): fc.Arbitrary<Uint8Array> => {
  const change = fc.tuple(fc.nat(good.length), fc.nat(255), fc.constantFrom('set', 'cut', 'double'), fc.nat(40));
  const hurt = fc.array(change, { maxLength: 4 }).map((changes) => {
    let bytes = Array.from(good);
    for (const [at, value, how, length] of changes) {
      const piece = bytes.slice(at, at + length);
      if (how === 'set') bytes[at] = value;
      else bytes = [...bytes.slice(0, at), ...(how === 'cut' ? [] : [...piece, ...piece]), ...bytes.slice(at + length)];
    }
    return Uint8Array.from(bytes);
  });
  return fc.oneof({ weight: 8, arbitrary: hurt }, fc.uint8Array({ maxLength: 600 }));
};

/** Runs it over many files; `through` counts those that were believed, of which there must be some. */
const fuzz = (seed: number, good: Uint8Array, look: (bytes: Uint8Array) => boolean): void => {
  let believed = 0;
  fc.assert(
    fc.property(mutated(good), (bytes) => {
      if (look(bytes)) believed++;
    }),
    { seed, numRuns: 20_000, interruptAfterTimeLimit: BUDGET_MS },
  );
  assert.ok(believed > 20, `only ${believed} files were believed`);
};

/** A table that came through is one: midnights, single seconds, in order, and every question has an answer. */
const isSound = (result: LeapFileResult): boolean => {
  if ('problem' in result) {
    assert.notEqual(result.problem, '');
    return false;
  }
  const { entries } = result.table;
  assert.ok(entries.length > 0 && entries.length <= 300);
  for (const [i, { at, taiUtc }] of entries.entries()) {
    assert.equal(at % 86_400_000_000_000n, 0n);
    if (i > 0) assert.ok(at > entries[i - 1]!.at && Math.abs(taiUtc - entries[i - 1]!.taiUtc) === 1);
  }
  selfCheck(result.table);
  const last = entries.at(-1)!;
  assert.equal(taiOffsetAt(result.table, maxInstant(NOW, last.at)), last.taiUtc);
  assert.ok([0, 1, 2].includes(leapOfDay(result.table, add(last.at, -1))));
  utcFromTai(result.table, NOW);
  return true;
};

describe('fuzz: files', () => {
  it('leap second list, with its checksum and without', () => {
    const text = leapList();
    fuzz(31, encode(text), (bytes) => isSound(parseLeapList(decode(bytes))));
    fuzz(32, encode(text.replace(/^#h.*\n/m, '')), (bytes) => isSound(parseLeapList(decode(bytes))));
  });

  it('a list whose figures were changed is never believed with its checksum', () => {
    const text = leapList();
    const digits = [...text.matchAll(/^\d+\t\d+/gm)].flatMap((m) =>
      [...m[0]].map((c, i) => [m.index + i, c] as const).filter(([, c]) => c !== '\t'),
    );
    fc.assert(
      fc.property(fc.constantFrom(...digits), fc.integer({ min: 1, max: 9 }), ([at, digit], by) => {
        const changed = text.slice(0, at) + String((Number(digit) + by) % 10) + text.slice(at + 1);
        assert.ok('problem' in parseLeapList(changed));
      }),
      { seed: 33, numRuns: 1000, interruptAfterTimeLimit: BUDGET_MS },
    );
  });

  it('compiled time zone', () => fuzz(34, rightUtc(), (bytes) => isSound(parseTzif(bytes))));

  it('drift file: figures that a clock can have, and they survive being written', () => {
    fuzz(35, encode('           -8.125000             0.034000\n'), (bytes) => {
      const drift = parseDrift(decode(bytes));
      if (drift === undefined) return false;
      assert.ok(Math.abs(drift.freqFastPpm) <= 100_000 && drift.skewPpm >= 0 && drift.skewPpm <= 1e6);
      assert.ok(parseDrift(formatDrift(drift)) !== undefined);
      return true;
    });
  });

  it('file of the real-time clock: a rate that a quartz can have, and it survives being written', () => {
    fuzz(39, encode('1 1795225324 -0.250000 12.346\n'), (bytes) => {
      const line = parseRtcFile(decode(bytes));
      if (line === undefined) return false;
      assert.ok(Math.abs(line.gain) <= 0.01 && Math.abs(line.fast) <= 3.2e9 && line.at >= 0n);
      assert.ok(parseRtcFile(formatRtcFile(line)) !== undefined);
      return true;
    });
  });

  it('key file: keys that can be used, and a word for each line that is none', () => {
    const good =
      '1 MD5 ASCII:secret\n20 SHA256 HEX:00112233445566778899AABBCCDDEEFF\n# no key\n30 AES128 HEX:000102030405060708090A0B0C0D0E0F\n';
    fuzz(40, encode(good), (bytes) => {
      const text = decode(bytes);
      const { keys, warnings } = parseKeyFile(text);
      assert.ok(keys.length + warnings.length <= text.split('\n').length);
      const ids = new Set(keys.map(({ id }) => id));
      assert.equal(ids.size, keys.length);
      for (const { id, type, secret } of keys) {
        assert.ok(id >= 1 && id <= 0xffffffff && type in DIGEST_BYTES);
        assert.ok(secret.length > 0 && secret.length <= 4096);
        if (type === 'AES128') assert.equal(secret.length, 16);
      }
      return keys.length > 0;
    });
  });

  it('dump file: samples in order, finite, and not from the future', () => {
    const samples = Array.from({ length: 8 }, (_, i) => ({
      time: add(NOW, i * 16 - 300),
      offset: 1e-6 * i,
      peerDelay: 1e-4,
      peerDispersion: 1e-6,
      rootDelay: 1e-3,
      rootDispersion: 1e-4,
      stratum: 1,
      leap: 0 as const,
    }));
    const refId = 0x50505300;
    const dump = formatDump({ name: 'PPS', refId, reach: 255, reachSize: 8, stratum: 1, leap: 0, samples });
    fuzz(36, encode(dump), (bytes) => {
      const read = parseDump(decode(bytes), { name: 'PPS', refId }, NOW);
      if (read === undefined) return false;
      assert.ok(read.reach >= 0 && read.reach <= 255 && read.stratum >= 0 && read.stratum <= 16);
      for (const [i, s] of read.samples.entries()) {
        const figures = [s.offset, s.peerDelay, s.peerDispersion, s.rootDelay, s.rootDispersion];
        assert.ok(figures.every(Number.isFinite));
        assert.ok(s.time <= NOW && (i === 0 || s.time > read.samples[i - 1]!.time));
      }
      return true;
    });
  });

  it('sources file: bad lines are told and passed over', () => {
    const good = 'server ntp1.example.org iburst minpoll 4\npool pool.example.org maxsources 3\npeer 192.0.2.7 key 5\n';
    fuzz(37, encode(good), (bytes) => {
      const files = { read: () => decode(bytes), list: () => ['a.sources'] };
      const { sources, problems } = readSourceDirs(['/etc/sources.d'], files);
      const lines = decode(bytes).split('\n').length;
      assert.ok(sources.length + problems.length <= lines);
      for (const { name, minpoll, maxpoll } of sources) assert.ok(name !== '' && minpoll >= -7 && maxpoll <= 24);
      return sources.length > 0;
    });
  });

  it('points of tempcomp', () => {
    fuzz(38, encode('20.0 1.5\n25 0.25\n30 -1\n'), (bytes) => {
      const points = parseTempcompPoints(decode(bytes));
      if (points === undefined) return false;
      assert.ok(points.flat().every(Number.isFinite));
      assert.ok(points.every(([t], i) => i === 0 || t > points[i - 1]![0]));
      return points.length >= MIN_POINTS;
    });
  });
});
