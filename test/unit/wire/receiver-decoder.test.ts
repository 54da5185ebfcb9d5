import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { textToBytes } from '../../../src/base/ascii.js';
import { Prng } from '../../../src/base/prng.js';
import { add, diff, type Instant, instant, toIso } from '../../../src/base/time.js';
import { SimReceiver, type SimReceiverOptions } from '../../../src/sim/receiver/receiver.js';
import { ReceiverDecoder, type ReceiverOptions } from '../../../src/wire/receiver/decoder.js';
import { formatSentence } from '../../../src/wire/receiver/nmea.js';
import { formatUbx } from '../../../src/wire/receiver/ubx.js';
import type { TimeMessage } from '../../../src/wire/timemessage.js';

const at = (iso: string): Instant => instant(BigInt(Date.parse(iso)) * 1_000_000n);
const NOW = at('2026-01-01T00:00:00Z');

const decoder = (options: Partial<ReceiverOptions> = {}) =>
  new ReceiverDecoder({ now: NOW, notBefore: NOW, ...options });

/** Bursts of bodies, a second apart, in one chunk each. */
const decode = (d: ReceiverDecoder, bursts: readonly (readonly string[])[]): TimeMessage[] => {
  const out = bursts.flatMap((bodies, i) => [
    ...d.push(textToBytes(bodies.map(formatSentence).join('')), add(NOW, i + 0.1)),
  ]);
  return [...out, ...d.end()];
};
const short = (m: TimeMessage): string =>
  `${m.utc === undefined ? '-' : toIso(m.utc, 3).slice(11, 23)} ${m.valid ? 'valid' : 'void'} ${m.from}`;

const rmc = (time: string, status = 'A', date = '020226', talker = 'GP') =>
  `${talker}RMC,${time},${status},4807.0,N,01131.0,E,0.0,0.0,${date},,,${status === 'A' ? 'A' : 'N'}`;
const gga = (time: string, quality = 1, talker = 'GP') =>
  `${talker}GGA,${time},4807.0,N,01131.0,E,${quality},09,0.9,545.4,M,46.9,M,,`;
const zda = (time: string, date = '02,02,2026') => `GPZDA,${time},${date},00,00`;

describe('one message an epoch', () => {
  it('RMC settles it at once, the rest of the burst adds nothing', () => {
    const d = decoder();
    const first = d.push(textToBytes(formatSentence(rmc('120000.00'))), NOW);
    assert.deepEqual(first.map(short), ['12:00:00.000 valid RMC']);
    assert.deepEqual(d.push(textToBytes(formatSentence(gga('120000.00')) + formatSentence(zda('120000.00'))), NOW), []);
    assert.deepEqual(d.end(), []);
  });
  it('counts a second told by two constellations once', () => {
    const burst = (t: string) => [gga(t), gga(t, 1, 'GA'), rmc(t), rmc(t, 'A', '020226', 'GA')];
    const messages = decode(decoder(), [burst('120000.00'), burst('120001.00')]);
    assert.deepEqual(messages.map(short), ['12:00:00.000 valid RMC', '12:00:01.000 valid RMC']);
  });
  it('GGA before RMC waits for it; RMC lost, GGA speaks with the date carried', () => {
    const messages = decode(decoder(), [
      [gga('120000.00'), rmc('120000.00')],
      [gga('120001.00'), rmc('120001.00')],
      [gga('120002.00')],
      [gga('120003.00'), rmc('120003.00')],
    ]);
    assert.deepEqual(messages.map(short), [
      '12:00:00.000 valid RMC',
      '12:00:01.000 valid RMC',
      '12:00:02.000 valid GGA',
      '12:00:03.000 valid RMC',
    ]);
  });
  it('ZDA and GGA settle it together, in either order', () => {
    const zdaFirst = decode(decoder(), [
      [zda('120000.00'), gga('120000.00')],
      [zda('120001.00'), gga('120001.00')],
    ]);
    assert.deepEqual(zdaFirst.map(short), ['12:00:00.000 valid GGA', '12:00:01.000 valid GGA']);
    const ggaFirst = decode(decoder(), [
      [gga('120000.00'), zda('120000.00')],
      [gga('120001.00'), zda('120001.00')],
    ]);
    assert.deepEqual(ggaFirst.map(short), ['12:00:00.000 valid ZDA', '12:00:01.000 valid GGA']);
  });
  it('ZDA alone vouches for nothing', () => {
    assert.deepEqual(decode(decoder(), [[zda('120000.00')], [zda('120001.00')]]).map(short), [
      '12:00:00.000 void ZDA',
      '12:00:01.000 void ZDA',
    ]);
  });
  it('GGA alone has no date', () => {
    assert.deepEqual(decode(decoder(), [[gga('120000.00')]]).map(short), ['- void GGA']);
  });
  it('no fix is visible: void epochs with and without a time', () => {
    const messages = decode(decoder(), [
      ['GPRMC,,V,,,,,,,,,,N', 'GPGGA,,,,,,0,00,99.99,,,,,,', 'GPZDA,,,,,00,00'],
      ['GPRMC,,V,,,,,,,,,,N', 'GPGGA,,,,,,0,00,99.99,,,,,,', 'GPZDA,,,,,00,00'],
      [rmc('120000.00', 'V'), gga('120000.00', 0)],
      [rmc('120001.00'), gga('120001.00')],
    ]);
    assert.deepEqual(messages.map(short), [
      '- void RMC',
      '- void RMC',
      '12:00:00.000 void RMC',
      '12:00:01.000 valid RMC',
    ]);
  });
  it('one sentence that denies the fix is enough', () => {
    const messages = decode(decoder(), [[rmc('120000.00')], [gga('120001.00', 6), rmc('120001.00')]]);
    assert.deepEqual(messages.map(short), ['12:00:00.000 valid RMC', '12:00:01.000 void RMC']);
  });
  it('follows a receiver that changes its talker', () => {
    const messages = decode(decoder(), [
      [rmc('120000.00')],
      [rmc('120001.00', 'A', '020226', 'GN')],
      [rmc('120002.00')],
    ]);
    assert.equal(messages.filter((m) => m.valid).length, 3);
  });
  it('a straggler from the epoch before is no new epoch', () => {
    const gll = (t: string) => `GPGLL,4807.0,N,01131.0,E,${t},A,A`;
    const messages = decode(decoder(), [
      [rmc('120000.00')],
      [rmc('120001.00'), gll('120000.00')],
      [rmc('120002.00'), gll('120001.00')],
    ]);
    assert.deepEqual(messages.map(short), [
      '12:00:00.000 valid RMC',
      '12:00:01.000 valid RMC',
      '12:00:02.000 valid RMC',
    ]);
  });
});

describe('times that are not served', () => {
  const rejects = (d: ReceiverDecoder) => Object.fromEntries(d.counters.rejects);

  it('backward', () => {
    const d = decoder();
    const messages = decode(d, [[rmc('120010.00')], [rmc('120005.00')], [rmc('120011.00')]]);
    assert.deepEqual(
      messages.map((m) => m.valid),
      [true, false, true],
    );
    assert.deepEqual(rejects(d), { backward: 1 });
  });
  it('frozen', () => {
    const d = decoder();
    const messages = decode(d, [[rmc('120010.00')], [rmc('120010.00')], [rmc('120010.00')], [rmc('120013.00')]]);
    assert.equal(messages.length, 2);
    assert.deepEqual(rejects(d), { frozen: 2 });
  });
  it('frozen, and the pauses closed, as the daemon does', () => {
    const d = decoder();
    const messages = ['120010.00', '120010.00', '120010.00', '120013.00'].flatMap((time, i) => [
      ...d.push(textToBytes(formatSentence(rmc(time))), add(NOW, i)),
      ...d.end(),
      // After a pause in the burst: one more sentence of the same epoch.
      ...d.push(textToBytes(formatSentence(gga(time))), add(NOW, i + 0.4)),
      ...d.end(),
    ]);
    assert.deepEqual(messages.map(short), ['12:00:10.000 valid RMC', '12:00:13.000 valid RMC']);
    assert.equal(rejects(d)['frozen'], 4);
  });
  it('impossible dates are counted, a wrong era is repaired', () => {
    const d = decoder({ now: at('2019-03-14'), notBefore: at('2019-03-14') });
    const messages = decode(d, [
      ['GPRMC,,V,,,,,,,,,,N'],
      ['GPRMC,000231.099,A,4829.0005,N,00022.0015,E,0.15,212.28,2208-1,,,A'],
      ['GPRMC,000231.42,A,4829.0005,N,00022.0016,E,0.16,212.28,220899,,,A'],
    ]);
    assert.deepEqual(
      messages.map((m) => [m.utc && toIso(m.utc, 3), m.valid, m.rolloverRepaired]),
      [
        [undefined, false, false],
        ['2019-04-07T00:02:31.420Z', true, true],
      ],
    );
    assert.deepEqual(rejects(d), { date: 1 });
  });
  it('a bad checksum never makes a message', () => {
    const d = decoder();
    const bad = formatSentence(rmc('120000.00')).replace('120000', '120001');
    assert.deepEqual([...d.push(textToBytes(bad), NOW), ...d.end()], []);
    assert.deepEqual(rejects(d), { checksum: 1 });
  });
});

describe('leap second', () => {
  it('is an epoch of its own between :59 and :00', () => {
    const d = decoder({ now: at('2016-12-01'), notBefore: at('2016-12-01') });
    const messages = decode(d, [
      [rmc('235959.00', 'A', '311216')],
      [rmc('235960.00', 'A', '311216')],
      [rmc('000000.00', 'A', '010117')],
    ]);
    assert.deepEqual(
      messages.map((m) => [toIso(m.utc!, 0), m.leapSecond, m.valid]),
      [
        ['2016-12-31T23:59:59Z', false, true],
        ['2017-01-01T00:00:00Z', true, true],
        ['2017-01-01T00:00:00Z', false, true],
      ],
    );
  });
  it('is refused in the middle of a month', () => {
    const d = decoder();
    assert.deepEqual(decode(d, [[rmc('235960.00', 'A', '150226')]]).map(short), ['- void RMC']);
    assert.equal(d.counters.rejects.get('leap-second'), 1);
  });
});

describe('stamps', () => {
  it('burst start is the first byte after the silence; bytes run to the deciding sentence', () => {
    const d = decoder();
    d.push(textToBytes(formatSentence(rmc('120000.00'))), NOW);
    const gsv = formatSentence('GPGSV,1,1,00');
    const line = formatSentence(rmc('120001.00'));
    d.push(textToBytes(gsv), add(NOW, 1));
    d.push(textToBytes(line.slice(0, 30)), add(NOW, 1.02));
    const [m] = d.push(textToBytes(line.slice(30)), add(NOW, 1.04));
    assert.deepEqual([m!.burstStart, m!.arrival], [add(NOW, 1), add(NOW, 1.04)]);
    // The sentence is over at CR; LF tells nothing new.
    assert.equal(m!.bytesToEnd, gsv.length + line.length - 1);
  });
  it('a straggler that opens the burst gives it its start', () => {
    const d = decoder();
    d.push(textToBytes(formatSentence(rmc('120000.00'))), NOW);
    d.push(textToBytes(formatSentence('GPGLL,4807.0,N,01131.0,E,120000.00,A,A')), add(NOW, 1));
    d.push(textToBytes(formatSentence(rmc('120001.00'))), add(NOW, 1.05));
    d.push(textToBytes(formatSentence('GPGLL,4807.0,N,01131.0,E,120000.00,A,A')), add(NOW, 2));
    const [m] = d.push(textToBytes(formatSentence(rmc('120002.00'))), add(NOW, 2.05));
    assert.deepEqual([m!.burstStart, m!.arrival], [add(NOW, 2), add(NOW, 2.05)]);
  });
  it('without a silence the epoch starts with its first timed sentence', () => {
    const d = decoder();
    const all = textToBytes(['120000.00', '120001.00', '120002.00'].map((t) => formatSentence(rmc(t))).join(''));
    const messages = [];
    for (let i = 0; i < all.length; i += 8) messages.push(...d.push(all.subarray(i, i + 8), add(NOW, i * 0.001)));
    assert.equal(messages.length, 3);
    const length = all.length / 3;
    const started = messages.map((m) => diff(m.burstStart, NOW));
    for (const [i, s] of started.entries()) assert.ok(Math.abs(s - i * length * 0.001) <= 0.008, `${s}`);
    assert.equal(messages[2]!.bytesToEnd, length - 1);
  });
  it('marks the epochs between the seconds of a fast receiver, not a constant fraction', () => {
    const fast = decode(
      decoder(),
      ['00.00', '00.20', '00.40', '00.60', '00.80', '01.00'].map((s) => [rmc(`1200${s}`)]),
    );
    assert.deepEqual(
      fast.map((m) => m.betweenSeconds),
      [false, true, true, true, true, false],
    );
    const constant = decode(
      decoder(),
      ['00.799', '01.799', '02.799'].map((s) => [rmc(`1200${s}`)]),
    );
    assert.deepEqual(
      constant.map((m) => [m.betweenSeconds, toIso(m.utc!, 3).slice(17)]),
      [
        [false, '00.799Z'],
        [false, '01.799Z'],
        [false, '02.799Z'],
      ],
    );
  });
});

describe('what else an epoch tells', () => {
  it('satellites used and visible, fix and dilution, not fooled by the signal id', () => {
    const d = decoder();
    decode(d, [
      [
        'GPGSV,2,1,05,01,78,221,47,03,09,042,,04,05,242,00,06,04,149,20,1',
        'GPGSV,2,2,05,07,30,100,35,1',
        'GAGSV,1,1,02,11,78,221,40,12,09,042,41,7',
        'GNGSA,A,3,01,03,04,06,,,,,,,,,1.60,0.91,1.31,1',
        gga('120000.00'),
        rmc('120000.00'),
      ],
    ]);
    assert.deepEqual([d.sky.used, d.sky.visible, d.sky.satellites.length], [9, 7, 7]);
    assert.equal(d.sky.satellites.find((s) => s.prn === 3)!.snr, undefined);
    assert.deepEqual([d.sky.fix.mode, d.sky.fix.hdop, d.sky.fix.quality], ['3D', 0.91, 'fix']);
    assert.ok(Math.abs(d.sky.fix.latitude! - 48.11667) < 1e-4);
  });
  it('a position that is not there is not 0 N 0 E', () => {
    const d = decoder();
    decode(d, [['GPGGA,120000.00,,,,,0,00,99.99,,,,,,']]);
    assert.deepEqual([d.sky.fix.latitude, d.sky.fix.longitude], [undefined, undefined]);
  });
  it('leap counts and announcements from UBX, between sentences', () => {
    const d = decoder();
    const ls = (change: number, until: number) => {
      const p = new Uint8Array(24);
      p.set([2, 18, 2, change], 8);
      new DataView(p.buffer).setInt32(12, until, true);
      p[23] = 3;
      return formatUbx(1, 0x26, p);
    };
    const tell = (frame: Uint8Array, time: string) => {
      d.push(frame, NOW);
      return d.push(textToBytes(formatSentence(rmc(time))), NOW)[0]!;
    };
    const seen = [tell(ls(1, 90_000), '120000.00'), tell(ls(1, 3600), '120001.00'), tell(ls(1, -5), '120002.00')];
    assert.deepEqual(
      seen.map((m) => [m.leapPending, m.gpsUtcLeap]),
      [
        [0, 18],
        [1, 18],
        [0, 18],
      ],
    );
  });
});

describe('against the simulated receiver', () => {
  const run = (options: Partial<SimReceiverOptions>, seconds = 60) => {
    const sim = new SimReceiver(options, new Prng(7));
    const d = decoder();
    const out: { second: Instant; m: TimeMessage }[] = [];
    for (let i = 0; i < seconds; i++) {
      const second = add(NOW, i);
      for (const c of sim.burst({ utc: second })) {
        for (const m of d.push(c.bytes, add(second, c.delay))) out.push({ second, m });
      }
    }
    return { out, d };
  };
  const sets: [string, Partial<SimReceiverOptions>][] = [
    ['RMC first at 9600 baud', {}],
    ['GGA first at 4800 baud', { baud: 4800, sentences: ['GGA', 'GSA', 'RMC'] }],
    ['ZDA and GGA', { sentences: ['ZDA', 'GGA', 'GSA'] }],
    ['NMEA and UBX', { baud: 115_200, sentences: ['NAV-PVT', 'RMC', 'NAV-TIMELS', 'GGA', 'TIM-TP'] }],
    ['UBX alone', { baud: 38_400, sentences: ['NAV-TIMEUTC', 'NAV-TIMELS', 'TIM-TP'] }],
    ['late in the second', { latency: 0.45, baud: 38_400 }],
  ];
  for (const [name, options] of sets) {
    it(`${name}: every second once, named right, stamped from its own burst`, () => {
      const { out, d } = run(options);
      assert.equal(out.length, 60);
      assert.ok(
        out.every(({ second, m }) => m.valid && m.utc === second && m.burstStart > second && m.arrival >= m.burstStart),
      );
      assert.equal(d.counters.rejects.size, 0);
    });
  }
});
