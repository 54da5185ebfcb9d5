import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { handleQuery, isQuery, MAX_REPLY } from '../../../../src/control/query/door.js';
import { askQuery, fakeQueries, QUERY_REFCLOCK, QUERY_TRACKING } from '../../../support/query.js';

const query = (name: string, more: object = {}) => ({ timeball: 1, query: name, ...more });

describe('control/query door', () => {
  it('is told from chronyc by the first byte', () => {
    assert.ok(isQuery(new TextEncoder().encode('{"timeball":1}')));
    for (const bytes of [[], [6], [6, 0x7b], [0x20, 0x7b]]) assert.ok(!isQuery(Uint8Array.from(bytes)));
  });

  it('answers tracking with the mode, and gives the id back', () => {
    const { ok, id, data } = askQuery(query('tracking', { id: 'a7' }));
    assert.deepEqual(
      [ok, id, data?.['mode'], data?.['refTime']],
      [true, 'a7', 'tracking', '2027-01-15T08:00:00.123456789Z'],
    );
    assert.equal(data?.['systemTimeSlowSeconds'], 1.25e-6);
    const away = fakeQueries({ tracking: () => ({ ...QUERY_TRACKING, mode: 'holdover', leap: 3 }) });
    assert.deepEqual(
      [askQuery(query('tracking'), away).data?.['synchronised'], askQuery(query('tracking')).id],
      [false, null],
    );
  });

  it('answers bound with the interval that holds true time', () => {
    const { data } = askQuery(query('bound'));
    assert.deepEqual(data, {
      status: 'synchronised',
      systemTime: '2027-01-15T08:00:00.123456789Z',
      earliest: '2027-01-15T08:00:00.123451789Z',
      latest: '2027-01-15T08:00:00.123461789Z',
      boundSeconds: 5e-6,
      driftPpm: 2,
    });
  });

  it('answers lists: refclocks, selectdata, stability', () => {
    const [nmea] = askQuery(query('refclocks')).data!.items!;
    assert.equal(nmea!['latencyMedianSeconds'], 0.171235);
    assert.equal(nmea!['chronyOffsetSeconds'], nmea!['latencyMedianSeconds']);
    assert.deepEqual(nmea!['rejected'], { 'no-fix': 3, checksum: 12 });
    assert.deepEqual([nmea!['sincePulseSeconds'], nmea!['satellitesUsed']], [null, 9]);
    assert.match(String(askQuery(query('selectdata')).data!.items![0]!['reason']), /root distance/);
    const { data } = askQuery(query('stability'));
    assert.deepEqual(data!['noise'], { sigmaSeconds: 3e-8, wander: 1e-10, drift: 0, oneSided: 0.25 });
    assert.deepEqual([data!.items!.length, data!.next], [2, null]);
  });

  it('never says never: a source that was not heard has null', () => {
    const context = fakeQueries({ selectdata: () => [{ ...fakeQueries().selectdata()[0]!, sinceSample: 0xffffffff }] });
    assert.equal(askQuery(query('selectdata'), context).data!.items![0]!['lastRxSeconds'], null);
  });

  it('a long list comes in pages that fit a datagram, each item once', () => {
    const many = Array.from({ length: 100 }, (_, i) => ({ ...QUERY_REFCLOCK, name: `R${i}` }));
    const context = fakeQueries({ refclocks: () => many });
    const names: unknown[] = [];
    let pages = 0;
    for (let from: number | null = 0; from !== null; pages++) {
      const bytes = handleQuery(new TextEncoder().encode(JSON.stringify(query('refclocks', { from }))), context);
      assert.ok(bytes.length <= MAX_REPLY);
      const { data } = JSON.parse(new TextDecoder().decode(bytes));
      names.push(...data.items.map((r: { name: string }) => r.name));
      from = data.next;
    }
    assert.ok(pages > 5);
    assert.deepEqual(
      names,
      many.map((r) => r.name),
    );
    assert.deepEqual(askQuery(query('refclocks', { from: 1000 }), context).data, { items: [], next: null });
  });

  it('an item that would never fit does not stop the list', () => {
    const huge = { ...QUERY_REFCLOCK, name: 'HUGE', device: 'x'.repeat(20_000) };
    const { data } = askQuery(query('refclocks'), fakeQueries({ refclocks: () => [huge, QUERY_REFCLOCK] }));
    assert.deepEqual(
      [data!.items![0], data!.items![1]!['name'], data!.next],
      [{ name: 'HUGE', tooLarge: true }, 'NMEA', null],
    );
  });

  for (const [what, text] of [
    ['no JSON', '{"timeball":1'],
    ['bytes that are no text', '{\ud800'],
    ['another version', '{"timeball":2,"query":"tracking"}'],
    ['no version', '{"query":"tracking"}'],
    ['no query', '{"timeball":1}'],
    ['an unknown query', '{"timeball":1,"query":"makestep"}'],
    ['a query by the name of a property', '{"timeball":1,"query":"__proto__"}'],
    ['a query that is no word', '{"timeball":1,"query":["tracking"]}'],
    ['a negative page', '{"timeball":1,"query":"refclocks","from":-1}'],
    ['half a page', '{"timeball":1,"query":"refclocks","from":0.5}'],
  ] as const) {
    it(`refuses ${what} with a code`, () => {
      const { ok, code, text: why } = askQuery(text);
      assert.deepEqual([ok, code], [false, 'ERR_TB_QUERY']);
      assert.ok(why!.length > 10);
    });
  }
});
