import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { LeapFiles, readLeapTable } from '../../../src/app/daemon/leapfiles.js';
import { add, fromUnix } from '../../../src/base/time.js';
import { BUILT_IN } from '../../../src/core/discipline/leaptable.js';
import { leapList, rightUtc } from '../../support/leapfiles.js';

const dir = mkdtempSync(join(tmpdir(), 'timeball-leap-'));
after(() => rmSync(dir, { recursive: true }));
const NOW = add(BUILT_IN.expires!, -100 * 86400);
const LATER = add(BUILT_IN.expires!, 86400);

/** A tz database of its own; texts said and the table chosen. */
const read = (
  files: Readonly<Record<string, string | Uint8Array>>,
  conf: { list?: string; tz?: string },
  now = NOW,
) => {
  const zoneinfo = mkdtempSync(join(dir, 'z'));
  mkdirSync(join(zoneinfo, 'right'));
  for (const [name, content] of Object.entries(files)) writeFileSync(join(zoneinfo, name), content);
  const said: string[] = [];
  const listPath = conf.list === undefined ? undefined : join(zoneinfo, conf.list);
  const named = readLeapTable({ list: listPath, timezone: conf.tz, zoneinfo }, now, (_s, _n, t) => said.push(t));
  return { named, said: said.map((t) => t.replaceAll(zoneinfo, 'DIR')) };
};

describe('leap second table of the configuration', () => {
  it('asked for none: none, and no word', () => assert.deepEqual(read({}, {}), { named: undefined, said: [] }));

  it('the list goes before the time zone', () => {
    const { said } = read({ list: leapList(), 'right/UTC': rightUtc() }, { list: 'list', tz: 'right/UTC' });
    assert.deepEqual(said, ['Using leap second list DIR/list']);
  });

  it('an expired list does not go before a time zone that is newer', () => {
    const { said, named } = read(
      { list: leapList(1_600_000_000), 'right/UTC': rightUtc(), 'leap-seconds.list': leapList() },
      { list: 'list', tz: 'right/UTC' },
    );
    assert.deepEqual(said, ['Using right/UTC timezone to obtain leap second data']);
    assert.equal(named!.table.expires, BUILT_IN.expires, 'the list beside it says until when');
  });

  it('what is missing or wrong is told, and the next one used', () => {
    const list = leapList().replace('#@\t3', '#@\t2');
    const { said } = read({ list }, { list: 'list', tz: 'right/UTC' });
    assert.deepEqual(said, [
      'Failed to parse leap seconds list DIR/list',
      'Leap second list DIR/list failed check, ignoring (its checksum (#h) is wrong)',
      'Timezone right/UTC failed leap second check, ignoring (it is not there)',
      'Using built-in leap second table',
    ]);
  });

  it('a list that is not there, and one that has no end', () => {
    const list = leapList().replace(/^#[@h].*\n/gm, '');
    const said = [read({}, { list: 'list' }), read({ list }, { list: 'list' })].map((r) => r.said.slice(0, 2));
    assert.deepEqual(said, [
      [
        'Failed to open leap seconds list DIR/list',
        'Leap second list DIR/list failed check, ignoring (it is not there)',
      ],
      [
        'Failed to parse leap seconds list DIR/list',
        'Leap second list DIR/list failed check, ignoring (it has no date of expiry (#@))',
      ],
    ]);
  });

  it('a time zone without leap seconds fails', () => {
    const { said } = read({ UTC: 'TZif2' }, { tz: 'UTC' });
    assert.match(said[0]!, /^Timezone UTC failed leap second check, ignoring/);
  });

  it('when all are expired, the one that was good for longest', () => {
    const newer = leapList(Number(BUILT_IN.expires! / 1_000_000_000n) + 3600);
    const { said } = read({ list: leapList(1_600_000_000), 'leap-seconds.list': newer }, { list: 'list' }, LATER);
    assert.deepEqual(said, ['Using leap second list DIR/leap-seconds.list']);
  });

  it("this system's list and zic's own right/UTC are read", (t) => {
    const [zic, leapseconds] = ['/usr/sbin/zic', '/usr/share/zoneinfo/leapseconds'];
    if (!existsSync(zic) || !existsSync(leapseconds))
      return t.skip('zic or the leap seconds of the tz database are not there');
    const made = mkdtempSync(join(dir, 'zic'));
    writeFileSync(join(made, 'src'), 'Zone UTC 0 - UTC\n');
    execFileSync(zic, ['-b', 'fat', '-d', join(made, 'right'), '-L', leapseconds, join(made, 'src')]);
    const said: string[] = [];
    const named = readLeapTable(
      { list: undefined, timezone: 'right/UTC', zoneinfo: made },
      fromUnix(1_700_000_000),
      (_s, _n, text) => said.push(text),
    );
    assert.deepEqual(said, ['Using right/UTC timezone to obtain leap second data']);
    assert.deepEqual(named!.table.entries.slice(0, 28), BUILT_IN.entries);
  });

  it('is handed over when it changes, and not again', () => {
    const path = join(dir, 'changing');
    writeFileSync(path, leapList());
    let handed = 0;
    const files = new LeapFiles(
      { list: path, timezone: undefined, zoneinfo: dir },
      () => NOW,
      () => {},
      () => handed++,
    );
    files.start()();
    files.read();
    assert.equal(handed, 1);
    writeFileSync(path, leapList(1_900_000_000));
    files.read();
    assert.equal(handed, 2);
  });
});
