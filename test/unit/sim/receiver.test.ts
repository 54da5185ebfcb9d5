import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Prng } from '../../../src/base/prng.js';
import { add, type Instant, instant, toIso } from '../../../src/base/time.js';
import type { ReceiverFault } from '../../../src/sim/receiver/faults.js';
import { type SimChunk, SimReceiver, type SimReceiverOptions } from '../../../src/sim/receiver/receiver.js';
import { ReceiverDecoder } from '../../../src/wire/receiver/decoder.js';
import type { TimeMessage } from '../../../src/wire/timemessage.js';

const T0 = instant(BigInt(Date.parse('2026-06-01T12:00:00Z')) * 1_000_000n);
const bytesOf = (chunks: readonly SimChunk[]): Uint8Array => Uint8Array.from(chunks.flatMap((c) => [...c.bytes]));
const sim = (options: Partial<SimReceiverOptions> = {}, seed = 1) => new SimReceiver(options, new Prng(seed));

describe('timing of a burst', () => {
  it('is the same from the same seed, and another from another', () => {
    const run = (seed: number) => [0, 1, 2].map((i) => sim({}, seed).burst({ utc: add(T0, i) }));
    assert.deepEqual(run(5), run(5));
    assert.notDeepEqual(run(5), run(6));
  });
  it('a fault leaves the noise of later bursts alone', () => {
    const [a, b] = [sim(), sim()];
    a.burst({ utc: T0 });
    b.burst({ utc: T0 }, [{ kind: 'silent' }]);
    assert.deepEqual(a.burst({ utc: add(T0, 1) }), b.burst({ utc: add(T0, 1) }));
  });
  it('bytes take their time on the line, in batches', () => {
    const chunks = sim({ baud: 9600, batchBytes: 16, jitter: 0, wander: 0, latency: 0.2 }).burst({ utc: T0 });
    assert.ok(chunks.slice(0, -1).every((c) => c.bytes.length === 16));
    const size = bytesOf(chunks).length;
    assert.ok(Math.abs(chunks[0]!.delay - (0.2 + 160 / 9600)) < 1e-9);
    assert.ok(Math.abs(chunks.at(-1)!.delay - (0.2 + (10 * size) / 9600)) < 1e-9);
  });
  it('latency has the mean and spread asked for', () => {
    const s = sim({ latency: 0.3, jitter: 0.008, wander: 0, batchBytes: 1, baud: 1_000_000 });
    const delays = Array.from({ length: 500 }, (_, i) => s.burst({ utc: add(T0, i) })[0]!.delay);
    const mean = delays.reduce((a, b) => a + b) / delays.length;
    const sd = Math.sqrt(delays.reduce((a, d) => a + (d - mean) ** 2, 0) / delays.length);
    assert.ok(Math.abs(mean - 0.3) < 0.002 && Math.abs(sd - 0.008) < 0.0015, `${mean} ${sd}`);
  });
});

describe('faults', () => {
  /** 20 bursts with the faults in bursts 8…11. */
  const run = (faults: readonly ReceiverFault[], options: Partial<SimReceiverOptions> = {}) => {
    const s = sim(options);
    const d = new ReceiverDecoder({ now: T0, notBefore: T0 });
    const got: { i: number; m: TimeMessage }[] = [];
    for (let i = 0; i < 20; i++) {
      const second = add(T0, i);
      for (const c of s.burst({ utc: second }, i >= 8 && i < 12 ? faults : [])) {
        for (const m of d.push(c.bytes, add(second, c.delay))) got.push({ i, m });
      }
      // As the daemon does in the pause after a burst.
      for (const m of d.end()) got.push({ i, m });
    }
    const wrong = got.filter(({ i, m }) => m.valid && m.utc !== add(T0, i)).length;
    return {
      valid: got.filter(({ m }) => m.valid).length,
      wrong,
      rejects: Object.fromEntries(d.counters.rejects),
      got,
    };
  };

  it('none: every second', () => assert.equal(run([]).valid, 20));
  it('silence and no fix are seen', () => {
    assert.equal(run([{ kind: 'silent' }]).got.length, 16);
    for (const kind of ['no-fix', 'cold'] as const) {
      const { got, valid } = run([{ kind }]);
      assert.deepEqual([got.length, valid], [20, 16], kind);
    }
  });
  it('frozen: counted, nothing served', () => {
    const { valid, wrong, rejects } = run([{ kind: 'frozen', at: add(T0, 7) }]);
    assert.deepEqual([valid, wrong], [16, 0]);
    assert.ok(rejects['frozen']! > 0);
  });
  it('a rollover is repaired', () => {
    const { valid, wrong, got } = run([{ kind: 'rollover', eras: -1 }]);
    assert.deepEqual([valid, wrong, got.filter(({ m }) => m.rolloverRepaired).length], [20, 0, 4]);
  });
  it("a wrong second is the manager's to find: the wire cannot know (negative control)", () => {
    assert.ok(run([{ kind: 'second-error', seconds: 1 }]).wrong > 0);
  });
  it('another talker and a late burst change nothing', () => {
    assert.equal(run([{ kind: 'talker', talker: 'GN' }]).valid, 20);
    const late = run([{ kind: 'late', by: 0.8 }], { baud: 115_200 });
    assert.deepEqual([late.valid, late.wrong], [20, 0]);
  });
  it('UBX between sentences loses none of them, broken or not', () => {
    assert.equal(run([{ kind: 'ubx-between', broken: false }]).valid, 20);
    assert.equal(run([{ kind: 'ubx-between', broken: true }]).valid, 20);
  });
  const line: ReceiverFault[] = [
    { kind: 'glue' },
    { kind: 'cut', keep: 0.1 },
    { kind: 'drop-bytes', count: 5 },
    { kind: 'duplicate-bytes', count: 5 },
    { kind: 'corrupt-bytes', count: 5 },
    { kind: 'garbage', count: 300 },
    { kind: 'wrong-baud', ratio: 2 },
    { kind: 'wrong-baud', ratio: 0.5 },
  ];
  for (const fault of line) {
    it(`${JSON.stringify(fault)}: nothing wrong is served, and it recovers`, () => {
      const { valid, wrong, got } = run([fault]);
      assert.equal(wrong, 0);
      assert.ok(valid >= 16);
      assert.ok(got.at(-1)!.m.valid);
    });
  }
  it('at the wrong speed no sentence survives', () => {
    const clean = bytesOf(sim().burst({ utc: T0 }));
    const noise = bytesOf(sim().burst({ utc: T0 }, [{ kind: 'wrong-baud', ratio: 2 }]));
    assert.ok(noise.length > clean.length / 2);
    assert.equal(Buffer.from(noise).toString('latin1').includes('$GPRMC'), false);
    const same = bytesOf(sim().burst({ utc: T0 }, [{ kind: 'wrong-baud', ratio: 1 }]));
    assert.deepEqual(same, clean, 'at the right speed the same bytes come back');
  });
});

describe('leap second', () => {
  it('is written :60, announced before, counted after, in NMEA and UBX', () => {
    const end = instant(BigInt(Date.parse('2026-07-01T00:00:00Z')) * 1_000_000n) as Instant;
    const s = sim({
      sentences: ['NAV-TIMELS', 'RMC', 'NAV-PVT'],
      baud: 115_200,
      gpsUtcLeap: 18,
      leap: { at: end, change: 1 },
    });
    const d = new ReceiverDecoder({ now: T0, notBefore: T0 });
    const seconds = [{ utc: add(end, -1) }, { utc: end, leapSecond: true }, { utc: end }, { utc: add(end, 1) }];
    const messages = seconds.flatMap((second, i) =>
      s.burst(second).flatMap((c) => [...d.push(c.bytes, add(T0, i + c.delay))]),
    );
    assert.deepEqual(
      messages.map((m) => [toIso(m.utc!, 0).slice(11), m.leapSecond, m.leapPending, m.gpsUtcLeap, m.valid]),
      [
        ['23:59:59Z', false, 1, 18, true],
        ['00:00:00Z', true, 0, 18, true],
        ['00:00:00Z', false, 0, 19, true],
        ['00:00:01Z', false, 0, 19, true],
      ],
    );
  });
});
