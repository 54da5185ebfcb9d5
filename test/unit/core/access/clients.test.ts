import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Prng } from '../../../../src/base/prng.js';
import { ClientTable, clientTableBytes, SERVICE, tableTime } from '../../../../src/core/access/clients.js';
import { DEFAULT_RECORDS } from '../../../../src/serve/tables.js';

const table = (records: number): ClientTable =>
  new ClientTable(new SharedArrayBuffer(clientTableBytes(records)), records, 77);
const hit = (t: ClientTable, address: Uint8Array, now: number): number => {
  const record = t.lookup(address, true);
  t.hit(record, SERVICE.NTP, now);
  return record;
};
const v4 = (n: number): Uint8Array => Uint8Array.of(10, n >>> 16, (n >>> 8) & 255, n & 255);

describe('client table', () => {
  it('reports hits, drops, addresses and ages by service', () => {
    const t = table(64);
    const now = tableTime(1_800_000_000, 0);
    const a = hit(t, v4(1), now);
    t.hit(a, SERVICE.NTP, now + 16 * 64);
    t.hit(a, SERVICE.CMD, now + 16 * 70);
    t.drop(a, SERVICE.CMD);
    const six = new Uint8Array(16);
    six.set([0x20, 0x01, 0x0d, 0xb8]);
    six[15] = 9;
    const b = hit(t, six, now);
    const first = t.report(a, now + 16 * 100)!;
    assert.deepEqual(
      [
        first.address,
        first.ntpHits,
        first.cmdHits,
        first.cmdDrops,
        first.ntpIntervalLog2,
        first.lastNtpAgo,
        first.lastCmdAgo,
      ],
      ['10.0.0.1', 2, 1, 1, 6, 36, 30],
    );
    assert.deepEqual([first.cmdIntervalLog2, first.lastNkeAgo], [127, 0xffffffff]);
    assert.equal(t.report(b, now)!.address, '2001:db8::9');
    assert.equal(t.used, 2);
    t.reset(a);
    assert.deepEqual([t.report(a, now)!.ntpHits, t.report(a, now)!.cmdDrops, t.used], [0, 0, 2]);
  });

  it('tells 10.0.0.1 from ::a00:1 and finds without making', () => {
    const t = table(64);
    const six = new Uint8Array(16);
    six.set([10, 0, 0, 1]);
    const a = hit(t, Uint8Array.of(10, 0, 0, 1), 1);
    assert.equal(t.lookup(six, false), -1);
    assert.notEqual(hit(t, six, 1), a);
  });

  it('learns the interval of a client, fast or slow', () => {
    for (const log2 of [-4, 0, 3, 6, 10, 17]) {
      const t = table(64);
      let record = 0;
      for (let i = 0; i < 40; i++) record = hit(t, v4(1), Math.round(1000 + i * 16 * 2 ** log2));
      assert.equal(t.report(record, 0)!.ntpIntervalLog2, log2);
    }
    const t = table(64);
    let record = 0;
    for (let i = 0; i < 20; i++) record = hit(t, v4(1), 16 * i);
    for (let i = 1; i < 40; i++) record = hit(t, v4(1), 16 * 1024 * i);
    assert.equal(t.report(record, 0)!.ntpIntervalLog2, 10, 'follows a change');
  });

  it('fills to nine tenths without losing anybody, and finds everybody again', () => {
    const t = table(4096);
    for (let i = 0; i < 3700; i++) hit(t, v4(i), i);
    assert.deepEqual([t.used, t.lost], [3700, 0]);
    for (let i = 0; i < 3700; i++) assert.equal(t.report(t.lookup(v4(i), false), 0)!.ntpHits, 1);
  });

  it('100 000 clients find room in the default table, nobody is lost', () => {
    const t = table(DEFAULT_RECORDS);
    for (let i = 0; i < 100_000; i++) hit(t, v4(i), i);
    assert.deepEqual([t.used, t.lost], [100_000, 0]);
  });

  it('a full table gives up the oldest, within a bucket pair', () => {
    const t = table(256);
    for (let i = 0; i < 2000; i++) hit(t, v4(i), 1000 + i);
    const ages = Array.from({ length: 256 }, (_, i) => t.report(i, 3000)!.address).map((a) => {
      const [, , hi, lo] = a.split('.').map(Number);
      return hi! * 256 + lo!;
    });
    assert.equal(t.used, 256);
    assert.equal(t.lost, 2000 - 256);
    assert.ok(Math.min(...ages) > 1000, `oldest kept: ${Math.min(...ages)}`);
  });

  it('a flood of forged addresses evicts itself, not proven clients', () => {
    const t = table(4096);
    const good = Array.from({ length: 1000 }, (_, i) => v4(i));
    for (const g of good) t.prove(hit(t, g, 16));
    const rng = new Prng(5);
    for (let i = 0; i < 50_000; i++) hit(t, v4(0x100000 + rng.below(1 << 20)), 32 + i);
    const kept = good.filter((g) => t.lookup(g, false) >= 0).length;
    assert.ok(kept >= 990, `${kept} of 1000 kept`);
    const naive = table(4096);
    for (const g of good) hit(naive, g, 16);
    for (let i = 0; i < 50_000; i++) hit(naive, v4(0x100000 + rng.below(1 << 20)), 32 + i);
    assert.ok(good.filter((g) => naive.lookup(g, false) >= 0).length < 100, 'without proof they would be gone');
  });
});
