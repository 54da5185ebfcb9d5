import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { add, type Instant, instant, toIso } from '../../../src/base/time.js';
import { dayOf, isMonthEnd, resolveDay } from '../../../src/wire/receiver/calendar.js';
import { RESTART_AFTER, Timeline } from '../../../src/wire/receiver/timeline.js';

const at = (iso: string): Instant => instant(BigInt(Date.parse(iso)) * 1_000_000n);
const line = (now: string, notBefore = now) => new Timeline(at(now), at(notBefore));

const short = (year: number, month: number, day: number) => ({ year, month, day, twoDigits: true });
const long = (year: number, month: number, day: number) => ({ year, month, day, twoDigits: false });

const say = (t: Timeline, date: ReturnType<typeof long>, ms = 0): string => {
  const r = t.resolve(date, ms);
  return typeof r === 'string'
    ? r
    : `${toIso(r.utc, 0)}${r.rolloverRepaired ? ' repaired' : ''}${r.leapSecond ? ' leap' : ''}`;
};

describe('calendar', () => {
  it('refuses days that do not exist', () => {
    assert.equal(dayOf(2023, 2, 29), undefined);
    assert.equal(dayOf(2024, 2, 29), 19_782);
    assert.equal(dayOf(2024, 4, 31), undefined);
    assert.equal(dayOf(999, 1, 1), undefined);
  });
  it('puts two-digit years next to now, over the turn of a century as well', () => {
    const near = (year: number) => dayOf(year, 6, 1)!;
    assert.equal(resolveDay(short(99, 8, 22), near(2019)), dayOf(1999, 8, 22));
    assert.equal(resolveDay(short(1, 1, 1), near(2099)), dayOf(2101, 1, 1));
    assert.equal(resolveDay(short(99, 1, 1), near(2101)), dayOf(2099, 1, 1));
    assert.equal(resolveDay(short(0, 2, 29), near(2100)), undefined, '2100 is no leap year');
  });
  it('knows month ends', () => {
    assert.ok(isMonthEnd(dayOf(2016, 12, 31)!) && isMonthEnd(dayOf(2024, 2, 29)!));
    assert.ok(!isMonthEnd(dayOf(2024, 2, 28)!));
  });
});

describe('week rollover', () => {
  it('brings a date 1024 weeks back into the present era', () => {
    assert.equal(say(line('2019-03-14'), short(99, 8, 22), 151_420), '2019-04-07T00:02:31Z repaired');
    assert.equal(say(line('2026-11-21'), long(2007, 4, 7)), '2026-11-21T00:00:00Z repaired');
  });
  it('brings it forward by two eras when that is now, and not when it is the far future', () => {
    assert.equal(say(line('2026-11-21'), long(1987, 8, 22)), '2026-11-21T00:00:00Z repaired');
    assert.equal(say(line('2026-11-21'), short(99, 8, 22)), 'rollover');
  });
  it('leaves a date after notBefore alone', () => {
    assert.equal(say(line('2026-11-21'), long(2040, 1, 1)), '2040-01-01T00:00:00Z');
    assert.equal(say(line('2026-11-21', '2020-01-01'), long(2020, 1, 2)), '2020-01-02T00:00:00Z');
  });
  it('refuses what lies more than an era ahead', () => {
    assert.equal(say(line('2026-11-21'), long(2079, 1, 1)), 'future');
  });
  it('takes a jump by whole eras in the stream for what it is, both ways', () => {
    const t = line('2019-01-01');
    t.advance({ utc: at('2019-04-06T23:59:41Z'), leapSecond: false, rolloverRepaired: false }, at('2019-01-01'));
    assert.equal(say(t, long(1999, 8, 21), 86_382_000), '2019-04-06T23:59:42Z repaired');
    assert.equal(say(t, long(2038, 11, 20), 86_383_000), '2019-04-06T23:59:43Z repaired');
  });
  it('looks for the leap second at the end of the true month', () => {
    // 2016-12-31 minus 1024 weeks is 1997-05-17.
    assert.equal(say(line('2016-12-01'), long(1997, 5, 17), 86_400_000), '2017-01-01T00:00:00Z repaired leap');
    assert.equal(say(line('2016-12-01'), long(2016, 12, 30), 86_400_000), 'leap-second');
  });
});

describe('order', () => {
  const feed = (t: Timeline, iso: string, leapSecond = false) =>
    t.advance({ utc: at(iso), leapSecond, rolloverRepaired: false }, at('2026-01-01'));

  it('refuses backward and repeated times', () => {
    const t = line('2006-01-01');
    assert.equal(feed(t, '2006-09-16T19:41:24Z'), undefined);
    assert.equal(feed(t, '2006-09-16T19:41:11Z'), 'backward');
    assert.equal(feed(t, '2006-09-16T19:41:24Z'), 'backward');
    assert.equal(feed(t, '2006-09-16T19:41:25Z'), undefined);
  });
  it('believes an earlier line that goes on for long enough', () => {
    const t = line('2026-01-01');
    feed(t, '2027-01-01T00:00:00Z');
    const answers = Array.from({ length: RESTART_AFTER + 1 }, (_, i) =>
      t.advance(
        { utc: add(at('2026-02-02T00:00:00Z'), i), leapSecond: false, rolloverRepaired: false },
        at('2026-01-01'),
      ),
    );
    assert.deepEqual(answers.slice(0, -2), new Array(RESTART_AFTER - 1).fill('backward'));
    assert.deepEqual(answers.slice(-2), [undefined, undefined]);
  });
  it('lets :60 stand between :59 and :00', () => {
    const t = line('2016-01-01');
    assert.equal(feed(t, '2016-12-31T23:59:59Z'), undefined);
    assert.equal(feed(t, '2017-01-01T00:00:00Z', true), undefined);
    assert.equal(feed(t, '2017-01-01T00:00:00Z'), undefined);
    assert.equal(feed(t, '2017-01-01T00:00:00Z', true), 'backward');
  });
  it('completes a bare time with the nearest date, for a while', () => {
    const t = line('2026-01-01');
    assert.equal(t.carry(0, at('2026-01-01')), 'no-date');
    feed(t, '2026-03-31T23:59:59Z');
    const next = t.carry(0, at('2026-01-01'));
    assert.equal(typeof next === 'string' ? next : toIso(next.utc, 0), '2026-04-01T00:00:00Z');
    assert.equal(t.carry(0, at('2026-01-01T07:00:00Z')), 'no-date');
  });
});
