import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { NTP_UNIX_OFFSET } from '../../../../src/base/ntp64.js';
import { fromUnix } from '../../../../src/base/time.js';
import { COUNTER } from '../../../../src/core/ntp/counters.js';
import { field, type Reply, request, stampDiff, ZERO } from '../../../support/packets.js';
import { STATE, TestServer } from '../../../support/server.js';

const SEC = 1_800_000_000;
const count = (s: TestServer, name: keyof typeof COUNTER): number => s.tables.counters[COUNTER[name]]!;
const nsec = (r: Reply, which: 'receive' | 'transmit'): number => (r[which].lo * 1e9) / 4294967296;

describe('responder: basic reply', () => {
  it('carries the state, echoes poll and transmit stamp, marks its own stamps', () => {
    const s = new TestServer();
    const r = s.ask(request({ poll: -3 }), { sec: SEC + 10, nsec: 500 })!;
    assert.deepEqual([r.leap, r.version, r.mode, r.stratum, r.poll, r.precision], [0, 4, 4, 1, -3, -25]);
    assert.equal(r.refId, 0x50505300);
    assert.deepEqual(r.origin, { hi: 0x12345678, lo: 0x9abcdef0 });
    assert.deepEqual(r.reference, { hi: SEC - 1 + NTP_UNIX_OFFSET, lo: 0 });
    assert.equal(r.receive.hi, SEC + 10 + NTP_UNIX_OFFSET);
    assert.equal(r.receive.lo & 1, 1, 'receive stamps are marked by their lowest bit');
    assert.equal(r.transmit.lo & 1, 0);
    assert.ok(Math.abs(nsec(r, 'receive') - 500) < 30);
    assert.ok(Math.abs(stampDiff(r.transmit, r.receive) - 20e-6) < 60e-9);
    assert.equal(r.bytes.length, 48);
  });

  it('grows the dispersion to now and rounds it up', () => {
    const s = new TestServer();
    const young = s.ask(request(), { sec: SEC })!;
    const old = s.ask(request(), { sec: SEC + 1000 })!;
    assert.equal(young.rootDispersion, 1 / 65536, '1 µs is not understated');
    assert.ok(old.rootDispersion >= 1.001e-3 && old.rootDispersion < 1.02e-3);
  });

  it('says when it is not synchronised, and still answers', () => {
    const s = new TestServer({ state: undefined });
    const r = s.ask(request())!;
    assert.deepEqual([r.leap, r.stratum, r.refId, r.mode], [3, 0, 0, 4]);
    assert.deepEqual(r.reference, ZERO);
    s.publish({ ...STATE, leap: 3 });
    assert.deepEqual([s.ask(request())!.leap, s.ask(request())!.stratum], [3, 0]);
    s.publish({ ...STATE, stratum: 16 });
    assert.deepEqual([s.ask(request())!.leap, s.ask(request())!.stratum], [3, 0], 'no stratum, no claim');
  });

  it('serves cooked time: correction and rate from the snapshot', () => {
    const s = new TestServer();
    const view = { ref: fromUnix(SEC, 0), correction: -1.75, rate: 1e-3 };
    s.publish({ ...STATE, view });
    const r = s.ask(request(), { sec: SEC + 2, nsec: 0 })!;
    const expected = { hi: SEC + NTP_UNIX_OFFSET, lo: Math.round((0.25 + 2e-3) * 4294967296) };
    assert.ok(Math.abs(stampDiff(r.receive, expected)) < 31e-9);
    assert.ok(Math.abs(stampDiff(r.transmit, expected) - 20e-6) < 60e-9);
  });

  it('crosses the era of 2036 and years of correction', () => {
    const s = new TestServer();
    const rollover = 4294967296 - NTP_UNIX_OFFSET;
    const before = s.ask(request(), { sec: rollover - 1, nsec: 999_999_000 })!;
    const after = s.ask(request(), { sec: rollover, nsec: 1000 })!;
    assert.equal(before.receive.hi, 0xffffffff);
    assert.equal(after.receive.hi, 0);
    s.publish({ ...STATE, view: { ref: fromUnix(0, 0), correction: 1_800_000_000.5, rate: 0 } });
    const far = s.ask(request(), { sec: 100, nsec: 0 })!;
    assert.equal(far.receive.hi, SEC + 100 + NTP_UNIX_OFFSET);
    assert.ok(Math.abs(nsec(far, 'receive') - 5e8) < 1000);
  });

  it('has unpredictable bits below the precision, none above', () => {
    const s = new TestServer();
    s.publish({ ...STATE, precision: -20 });
    const stamps = Array.from({ length: 64 }, (_, i) => s.ask(request(), { from: [10, 0, 0, i] })!);
    const low = new Set(stamps.map((r) => r.receive.lo & 0xfff));
    assert.ok(low.size > 50, `${low.size} values of the low bits`);
    assert.equal(new Set(stamps.map((r) => r.receive.lo >>> 12)).size, 1);
    assert.ok(new Set(stamps.map((r) => r.transmit.lo & 0xfff)).size > 50);
  });
});

describe('responder: who gets what', () => {
  it('64 combinations of version and mode', () => {
    for (const port of [40000, 123]) {
      for (let version = 0; version < 8; version++) {
        for (let mode = 0; mode < 8; mode++) {
          const r = new TestServer().ask(request({ version, mode }), { port });
          const known = version >= 1 && version <= 4;
          const expected =
            known && mode === 3
              ? 4
              : known && mode === 1
                ? 2
                : version === 1 && mode === 0 && port !== 123
                  ? 4
                  : undefined;
          assert.equal(r?.mode, expected, `version ${version} mode ${mode} port ${port}`);
          if (r !== undefined) assert.equal(r.version, version);
        }
      }
    }
  });

  it('lengths and tails', () => {
    const silent: [string, Uint8Array][] = [
      ['47 bytes', request({ length: 47 })],
      ['49 bytes', request({ length: 49 })],
      ['nothing', request({ length: 0 })],
      ['unknown key', request({ tail: Uint8Array.of(0, 0, 0, 9, ...new Array<number>(16).fill(7)) })],
      ['MS-SNTP', request({ version: 3, tail: Uint8Array.of(0, 0, 1, 0xf4, ...new Array<number>(16).fill(0)) })],
      ['lone field of 24', request({ tail: field(0x2222, 24) })],
      [
        'NTS without keys',
        request({ tail: Uint8Array.of(...field(0x0104, 36, 5), ...field(0x0204, 104), ...field(0x0404, 40)) }),
      ],
      ['two unique identifiers', request({ tail: Uint8Array.of(...field(0x0104, 36, 5), ...field(0x0104, 36, 6)) })],
    ];
    for (let n = 52; n <= 120; n += 4) silent.push([`version 4, ${n} zeros`, request({ length: n })]);
    for (const n of [52, 60, 68, 72, 120]) silent.push([`version 3, ${n} zeros`, request({ version: 3, length: n })]);
    for (const [name, bytes] of silent) assert.equal(new TestServer().ask(bytes), undefined, name);
    assert.equal(new TestServer().ask(request(), { truncated: true }), undefined);
  });

  it('ignores unknown extension fields and does not echo them', () => {
    assert.equal(new TestServer().ask(request({ tail: field(0x2222, 28) }))!.bytes.length, 48);
    assert.equal(
      new TestServer().ask(request({ tail: Uint8Array.of(...field(1, 16), ...field(2, 28)) }))!.bytes.length,
      48,
    );
  });

  it('echoes a lone unique identifier right behind the header', () => {
    const id = field(0x0104, 36, 0x5a);
    const r = new TestServer().ask(request({ tail: Uint8Array.of(...field(0x2222, 16), ...id) }))!;
    assert.deepEqual(r.bytes.subarray(48), id);
    assert.equal(new TestServer().ask(request({ tail: field(0x0104, 28) }))!.bytes.length, 48, 'too short to be one');
  });

  it('takes a transmit stamp of zero', () => {
    assert.deepEqual(new TestServer().ask(request({ transmit: ZERO }))!.origin, ZERO);
  });

  it('does not answer to where no single host is', () => {
    const s = new TestServer();
    const bad: Parameters<TestServer['ask']>[1][] = [
      { port: 0 },
      { from: [224, 0, 1, 1] },
      { from: [255, 255, 255, 255] },
      { from: [0, 0, 0, 0] },
      { to: [224, 0, 1, 1] },
      { from: [0xff, 2, ...new Array<number>(13).fill(0), 1] },
    ];
    for (const arrival of bad) assert.equal(s.ask(request(), arrival), undefined, JSON.stringify(arrival));
    assert.equal(count(s, 'malformed'), bad.length);
  });

  it('nobody is allowed by default; denied packets leave no record', () => {
    const s = new TestServer({ allow: false });
    assert.equal(s.ask(request()), undefined);
    assert.deepEqual([count(s, 'denied'), count(s, 'hits'), s.tables.clients!.used], [1, 0, 0]);
  });

  it('counts requests, stamps and a failed send', () => {
    const s = new TestServer();
    s.ask(request());
    s.ask(request(), { kind: 0 });
    s.ask(request({ version: 5 }));
    s.transport.errno = 101;
    s.ask(request(), { from: [192, 0, 2, 7], kind: 2 });
    const names = [
      'received',
      'hits',
      'malformed',
      'daemonRx',
      'kernelRx',
      'hardwareRx',
      'daemonTx',
      'sendErrors',
    ] as const;
    assert.deepEqual(
      names.map((n) => count(s, n)),
      [4, 3, 1, 1, 1, 1, 3, 1],
    );
    assert.equal(s.tables.clients!.used, 2);
  });
});
