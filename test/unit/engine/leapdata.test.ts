import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { add, type Instant, instant } from '../../../src/base/time.js';
import { BUILT_IN } from '../../../src/core/discipline/leaptable.js';
import type { PtpTime } from '../../../src/core/ptp/receiver.js';
import { LeapData } from '../../../src/engine/leapdata.js';
import { nmeaEpoch } from '../../../src/sim/host.js';

const at = (text: string): Instant => instant(BigInt(Date.parse(`${text}Z`)) * 1_000_000n);
const DAY = 86400;
const NEW_YEAR = at('2017-01-01T00:00:00');

const withTable = (): LeapData => {
  const data = new LeapData();
  data.set({ name: 'leap second list F', table: BUILT_IN });
  return data;
};
const hear = (data: LeapData, gpsUtcLeap: number, times = 60, valid = true): void => {
  const message = { ...nmeaEpoch(NEW_YEAR, false, NEW_YEAR, NEW_YEAR), gpsUtcLeap, valid };
  for (let i = 0; i < times; i++) data.message(message);
};
const texts = (data: LeapData, now: Instant): string[] => data.findings(now).map((f) => f.text);

describe('LeapData', () => {
  it('without a table it changes nothing and says nothing', () => {
    const data = new LeapData();
    hear(data, 18);
    assert.equal(data.vote(0, add(NEW_YEAR, -60)), 0);
    assert.equal(data.taiOffset(NEW_YEAR), undefined);
    assert.equal(data.utcFromTai(NEW_YEAR), undefined);
    assert.deepEqual(texts(data, NEW_YEAR), []);
  });

  it('the table is heard where the sources announce nothing or nothing is selected, never against an announcement', () => {
    const data = withTable();
    const eve = add(NEW_YEAR, -60);
    assert.equal(data.vote(0, eve), 1);
    assert.equal(data.vote(3, eve), 1);
    assert.equal(data.vote(2, eve), 2);
    assert.equal(data.vote(0, NEW_YEAR), 0);
    assert.equal(data.vote(3, NEW_YEAR), 3);
  });

  it('says four weeks ahead that the table gets old, once a day, and then that it is', () => {
    const data = withTable();
    const end = BUILT_IN.expires!;
    assert.deepEqual(texts(data, add(end, -29 * DAY)), []);
    const soon = 'Leap second list F needs update soon (expires on 2026-06-28)';
    assert.deepEqual(texts(data, add(end, -27 * DAY)), [soon]);
    assert.deepEqual(texts(data, add(end, -27 * DAY + 3600)), []);
    assert.deepEqual(texts(data, add(end, -26 * DAY)), [soon]);
    assert.deepEqual(texts(data, add(end, 1)), ['Leap second list F needs update (expired on 2026-06-28)']);
  });

  it('of an expired table the receiver knows better, once it has said so for a minute', () => {
    const data = withTable();
    const later = add(BUILT_IN.expires!, DAY);
    hear(data, 19, 59);
    assert.equal(data.taiOffset(later), 37);
    hear(data, 19, 1);
    assert.equal(data.taiOffset(later), 38);
    assert.equal(data.taiOffset(add(BUILT_IN.expires!, -DAY)), 37);
    hear(data, 18, 60, false);
    assert.equal(data.taiOffset(later), 38, 'without a fix it says nothing');
  });

  it('a receiver that contradicts the table is told once, not in the minute after a leap second', () => {
    const data = withTable();
    hear(data, 17);
    assert.deepEqual(texts(data, add(NEW_YEAR, -10)), []);
    assert.deepEqual(texts(data, add(NEW_YEAR, 10)), []);
    const said = texts(data, add(NEW_YEAR, 300));
    assert.deepEqual(said, ['The receiver says that TAI-UTC is 36 seconds, the leap second list F says 37']);
    assert.deepEqual(texts(data, add(NEW_YEAR, 301)), []);
  });
});

describe('LeapData and a PTP daemon', () => {
  const ptp = (state: PtpTime['state'], utcOffset?: number): PtpTime => ({
    state,
    utcOffset,
    traceable: true,
    grandmaster: undefined,
  });

  it('what the grandmaster vouches for comes before the table', () => {
    const data = withTable();
    data.setPtp(ptp('synchronised', 36));
    assert.equal(data.utcFromTai(add(NEW_YEAR, 36)), NEW_YEAR);
    assert.deepEqual(data.taiOffsetOrGuess(NEW_YEAR), { offset: 36, valid: true });
  });

  it('where it vouches for nothing the table says, and without one nobody does', () => {
    const data = withTable();
    data.setPtp(ptp('synchronised'));
    assert.equal(data.utcFromTai(add(NEW_YEAR, 37)), NEW_YEAR);
    const bare = new LeapData();
    bare.setPtp(ptp('synchronised'));
    assert.equal(bare.utcFromTai(add(NEW_YEAR, 37)), undefined);
    assert.equal(bare.taiOffsetOrGuess(NEW_YEAR).valid, false);
  });

  it('a clock that it does not steer is not used, whatever the table says', () => {
    const data = withTable();
    for (const state of ['silent', 'waiting', 'arbitrary'] as const) {
      data.setPtp(ptp(state));
      assert.equal(data.utcFromTai(add(NEW_YEAR, 37)), `ptp-${state}`);
    }
  });
});
