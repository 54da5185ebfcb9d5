import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseUbx } from '../../../src/wire/receiver/ubx.js';
import { timedFromUbx } from '../../../src/wire/receiver/ubxtime.js';

const payload = (size: number, fill: (d: DataView) => void): Uint8Array => {
  const bytes = new Uint8Array(size);
  fill(new DataView(bytes.buffer));
  return bytes;
};

/** 2017-01-01 00:00:00 with `nano`, valid bits, fix. */
const pvt = (over: {
  second?: number;
  hour?: number;
  nano?: number;
  valid?: number;
  flags?: number;
  fixType?: number;
  month?: number;
}) =>
  payload(92, (d) => {
    d.setUint32(0, 18_000, true);
    d.setUint16(4, 2017, true);
    d.setUint8(6, over.month ?? 1);
    d.setUint8(7, 1);
    d.setUint8(8, over.hour ?? 0);
    d.setUint8(10, over.second ?? 0);
    d.setUint8(11, over.valid ?? 7);
    d.setUint32(12, 25, true);
    d.setInt32(16, over.nano ?? 0, true);
    d.setUint8(20, over.fixType ?? 3);
    d.setUint8(21, over.flags ?? 1);
    d.setUint8(23, 11);
  });

const timed = (bytes: Uint8Array) => {
  const m = parseUbx(1, 7, bytes);
  assert.ok(typeof m === 'object' && m.name === 'NAV-PVT');
  return timedFromUbx(m, undefined);
};
const fix = (over: Parameters<typeof pvt>[0]) => {
  const r = timed(pvt(over));
  return typeof r === 'string' ? r : r.fix;
};

describe('UBX decoding', () => {
  it('NAV-PVT: time, accuracy, satellites', () => {
    const m = parseUbx(1, 7, pvt({ nano: -400 }));
    assert.ok(typeof m === 'object' && m.name === 'NAV-PVT');
    assert.ok(Math.abs(m.accuracy! - 25e-9) < 1e-15);
    assert.deepEqual([m.satellitesUsed, m.utc.year, m.utc.nano], [11, 2017, -400]);
  });
  it('NAV-PVT: who vouches', () => {
    assert.equal(fix({}), true);
    assert.equal(fix({ fixType: 5 }), true, 'time only, of a surveyed timing receiver');
    assert.equal(fix({ fixType: 1 }), false, 'dead reckoning');
    assert.equal(fix({ fixType: 0 }), false);
    assert.equal(fix({ flags: 0 }), false, 'gnssFixOK is off');
    assert.equal(fix({ valid: 3 }), false, 'the second is not fully resolved');
    assert.equal(fix({ month: 13 }), 'date', 'vouched for and impossible: refused');
    assert.equal(fix({ month: 0, valid: 0 }), false, 'not vouched for: no time yet, no fault');
  });
  it('a little before the second is that second; 1 ms before midnight is yesterday', () => {
    const near = timed(pvt({ nano: -400 }));
    assert.ok(typeof near === 'object');
    assert.deepEqual([near.msOfDay, near.date?.day], [0, 1]);
    const before = timed(pvt({ nano: -1_000_000 }));
    assert.ok(typeof before === 'object');
    assert.deepEqual([before.msOfDay, before.date?.year, before.date?.day], [86_399_999, 2016, 31]);
  });
  it('second 60 stands at 23:59 only', () => {
    assert.equal(fix({ second: 60 }), 'time');
    assert.equal(fix({ second: 61 }), 'time');
  });

  const timeLs = (valid: number, source: number) => {
    const m = parseUbx(
      1,
      0x26,
      payload(24, (d) => {
        d.setUint8(8, source);
        d.setInt8(9, 18);
        d.setInt8(11, 1);
        d.setInt32(12, 3600, true);
        d.setUint8(23, valid);
      }),
    );
    assert.ok(typeof m === 'object' && m.name === 'NAV-TIMELS');
    return [m.current, m.change];
  };
  it('NAV-TIMELS: each value has its own validity bit, and source 0 is the firmware talking', () => {
    assert.deepEqual(timeLs(3, 2), [18, 1]);
    assert.deepEqual(timeLs(1, 2), [18, undefined]);
    assert.deepEqual(timeLs(2, 2), [undefined, 1]);
    assert.deepEqual(timeLs(3, 0), [undefined, 1]);
  });

  it('NAV-TIMEGPS: week and leap count to UTC; without the leap count no UTC', () => {
    const timeGps = (valid: number) => {
      const m = parseUbx(
        1,
        0x20,
        payload(16, (d) => {
          d.setUint32(0, 18_000, true); // 00:00:18 GPS on Sunday 2017-01-01
          d.setInt16(8, 1930, true);
          d.setInt8(10, 18);
          d.setUint8(11, valid);
        }),
      );
      assert.ok(typeof m === 'object' && m.name === 'NAV-TIMEGPS');
      return timedFromUbx(m, undefined);
    };
    const good = timeGps(7);
    assert.ok(typeof good === 'object');
    assert.deepEqual(
      [good.fix, good.msOfDay, good.date],
      [true, 0, { year: 2017, month: 1, day: 1, twoDigits: false }],
    );
    const blind = timeGps(3);
    assert.ok(typeof blind === 'object');
    assert.deepEqual([blind.fix, blind.msOfDay], [false, undefined]);
  });

  it('TIM-TP: quantisation in seconds, undefined when flagged', () => {
    const tp = (flags: number) => {
      const m = parseUbx(
        0x0d,
        1,
        payload(16, (d) => {
          d.setUint32(0, 345_600_000, true);
          d.setInt32(8, -10_160, true);
          d.setUint16(12, 2146, true);
          d.setUint8(14, flags);
        }),
      );
      assert.ok(typeof m === 'object' && m.name === 'TIM-TP');
      return m;
    };
    const m = tp(2);
    assert.ok(Math.abs(m.quantisation! + 10.16e-9) < 1e-15);
    assert.deepEqual([m.week, m.towMs, m.timebase, m.utcAvailable], [2146, 345_600_000, 'gnss', true]);
    assert.equal(tp(0x12).quantisation, undefined);
  });

  it('TIM-SVIN, ACK and hardware state', () => {
    const svin = parseUbx(
      0x0d,
      4,
      payload(28, (d) => {
        d.setUint32(0, 3600, true);
        d.setInt32(4, -123_456, true);
        d.setUint32(16, 4_000_000, true);
        d.setUint8(24, 1);
      }),
    );
    assert.ok(typeof svin === 'object' && svin.name === 'TIM-SVIN');
    assert.deepEqual(
      [svin.duration, svin.mean[0], svin.variance, svin.valid, svin.active],
      [3600, -1234.56, 4, true, false],
    );
    assert.deepEqual(parseUbx(5, 0, Uint8Array.of(6, 0x8a)), { name: 'ACK-NAK', classId: 6, messageId: 0x8a });
    assert.deepEqual(
      parseUbx(
        0x0a,
        9,
        payload(60, (d) => {
          d.setUint8(20, 4);
          d.setUint8(21, 1);
          d.setUint8(22, 3 << 2);
          d.setUint8(45, 200);
        }),
      ),
      { name: 'MON-HW', antenna: 'open', power: 'on', jamming: 'critical', jamIndicator: 200 },
    );
  });
  it('MON-RF: the worst radio path counts', () => {
    const rf = payload(52, (d) => {
      d.setUint8(1, 2);
      d.setUint8(6, 2);
      d.setUint8(20, 5);
      d.setUint8(29, 2);
      d.setUint8(30, 3);
      d.setUint8(44, 90);
    });
    assert.deepEqual(parseUbx(0x0a, 0x38, rf), {
      name: 'MON-RF',
      antenna: 'short',
      power: 'off',
      jamming: 'warning',
      jamIndicator: 90,
    });
    assert.equal(parseUbx(0x0a, 0x38, rf.subarray(0, 40)), 'ubx-size');
  });
  it('refuses short payloads and ignores what it does not know', () => {
    assert.equal(parseUbx(1, 7, new Uint8Array(83)), 'ubx-size');
    assert.equal(parseUbx(1, 0x99, new Uint8Array(3)), undefined);
  });
});
