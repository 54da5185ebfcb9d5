import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Prng } from '../../../../src/base/prng.js';
import { instant } from '../../../../src/base/time.js';
import { HwClock, type HwMapping, type PhcBracket, translate } from '../../../../src/core/hwclock/hwclock.js';
import { HW_TABLE_BYTES, HwTableReader, HwTableWriter } from '../../../../src/core/hwclock/table.js';

const NS = 1_000_000_000n;
const OPTIONS = { minSamples: 2, maxSamples: 16, precision: 100e-9 };
/** True time of the tests begins here. */
const START = 1_800_000_000n * NS;

/** A card whose clock has an epoch and a rate of its own, read over a bus that is quick one way and slow the other. */
class Card {
  readonly random: Prng;
  readonly clock: HwClock;
  /** ns by which the card's clock has been moved. */
  jump = 0;
  /** Added to each reading's width, ns. */
  slow = 0;
  constructor(
    seed: number,
    readonly epoch: bigint,
    readonly rate: number,
    options = OPTIONS,
  ) {
    this.random = new Prng(seed);
    this.clock = new HwClock(options);
  }

  /** The card's time `t` s after the start of the test. */
  at(t: number): bigint {
    return this.epoch + BigInt(Math.round(t * 1e9 * (1 + this.rate) + this.jump));
  }

  readings(t: number, n = 25): PhcBracket[] {
    return Array.from({ length: n }, (_, i) => {
      const from = t + i * 5e-6;
      const [there, back] = [800 - 100 * Math.log(this.random.uniform()), 900 - 300 * Math.log(this.random.uniform())];
      const before = system(from);
      const late = this.slow;
      return {
        before,
        phc: this.at(from + there * 1e-9),
        after: before + BigInt(Math.round(there + back + late)),
      };
    });
  }

  /** ns by which a stamp of the card is translated wrongly. */
  error(t: number): number {
    const mapping = this.clock.mapping();
    assert.ok(mapping !== undefined);
    return Number(translate(mapping, this.at(t)) - system(t));
  }
}

const system = (t: number): bigint => START + BigInt(Math.round(t * 1e9));

describe('the clock of a network card', () => {
  for (const [name, epoch, rate] of [
    ['free running since it was switched on, 40 ppm off', 12n * NS, 40e-6],
    ['on TAI, 300 ppb slow', START + 37n * NS, -300e-9],
    ['with an epoch before 1970', -5n * NS, 1e-6],
  ] as const) {
    it(`${name}: stamps are translated to 100 ns`, () => {
      const card = new Card(1, epoch, rate);
      assert.equal(card.clock.mapping(), undefined);
      card.clock.add(card.readings(0));
      // One reading has no rate: 40 ppm would be 40 us a second later.
      assert.equal(card.clock.mapping(), undefined);
      for (let t = 1; t < 60; t++) {
        assert.equal(card.clock.add(card.readings(t)), 'used', `at ${t} s`);
        if (t > 3) assert.ok(Math.abs(card.error(t + 0.7)) < 100, `at ${t} s: ${card.error(t + 0.7)} ns`);
      }
    });
  }

  it('exact cross time stamps are exact', () => {
    const card = new Card(2, 0n, 25e-6);
    for (let t = 0; t < 10; t++) card.clock.add([{ before: system(t), phc: card.at(t), after: system(t) }]);
    assert.ok(Math.abs(card.error(10.5)) <= 2);
  });

  it('slow readings say nothing, unless nothing else comes', () => {
    const card = new Card(3, 0n, 10e-6);
    let t = 0;
    for (; t < 10; t++) card.clock.add(card.readings(t));
    card.slow = 400_000;
    const verdicts = Array.from({ length: 12 }, () => card.clock.add(card.readings(t++)));
    assert.equal(verdicts[0], 'slow');
    assert.ok(verdicts.includes('used'));
    card.slow = 0;
    for (let i = 0; i < 20; i++) card.clock.add(card.readings(t++));
    assert.ok(Math.abs(card.error(t)) < 100);
  });

  it('one reading off the line is left out; a second one like it begins a new line', () => {
    const card = new Card(4, 0n, 10e-6);
    for (let t = 0; t < 20; t++) card.clock.add(card.readings(t));
    card.jump = 50_000;
    assert.equal(card.clock.add(card.readings(20)), 'outlier');
    card.jump = 0;
    assert.ok(Math.abs(card.error(20.5)) < 100);
    assert.equal(card.clock.add(card.readings(21)), 'used');
    card.jump = -3_000_000_000;
    assert.equal(card.clock.add(card.readings(22)), 'reset');
    assert.equal(card.clock.mapping(), undefined);
    card.clock.add(card.readings(23));
    assert.ok(Math.abs(card.error(23.5)) < 1000);
    card.jump = 7_000_000_000;
    assert.equal(card.clock.add(card.readings(24)), 'outlier');
    assert.equal(card.clock.add(card.readings(25)), 'reset');
    assert.ok(Math.abs(card.error(25.5)) < 1000);
  });

  it('slips that have nothing to do with each other are left out; three of them are no slips', () => {
    const card = new Card(8, 0n, 10e-6);
    let t = 0;
    const next = (jump: number): string => {
      card.jump = jump;
      return card.clock.add(card.readings(t++));
    };
    for (let i = 0; i < 20; i++) next(0);
    // 5 ms apart within a second: no oscillator runs so.
    assert.deepEqual([next(50_000), next(5_000_000), next(0)], ['outlier', 'outlier', 'used']);
    assert.ok(Math.abs(card.error(t)) < 100);
    assert.deepEqual([next(5e6), next(20e6), next(80e6)], ['outlier', 'outlier', 'reset']);
    next(80e6);
    assert.ok(Math.abs(card.error(t - 0.5)) < 1000);
  });

  it('follows what is done to the system clock; without being told it is wrong', () => {
    const errors = [true, false].map((told) => {
      const card = new Card(5, 0n, 10e-6);
      for (let t = 0; t < 20; t++) card.clock.add(card.readings(t));
      // From 20 s on the system clock runs 5 ppm faster, and it is stepped by 0.25 s.
      if (told) {
        card.clock.slewed(instant(system(20)), 5e-6);
        card.clock.stepped(0.25);
      }
      const mapping = card.clock.mapping()!;
      const truth = system(20.9) + 250_000_000n + BigInt(Math.round(0.9e9 * 5e-6));
      return Math.abs(Number(translate(mapping, card.at(20.9)) - truth));
    });
    assert.ok(errors[0]! < 100, `${errors[0]} ns`);
    assert.ok(errors[1]! > 1e6);
  });

  it('forgets what the oscillator did before its rate changed', () => {
    const card = new Card(6, 0n, 0);
    let t = 0;
    for (; t < 30; t++) card.clock.add(card.readings(t));
    // A fan goes on: 0.3 ppm more, from now on.
    const changed = t;
    const phase = (s: number): void => {
      card.jump = Math.max(0, s - changed) * 300;
    };
    for (; t < 60; t++) {
      phase(t);
      assert.notEqual(card.clock.add(card.readings(t)), 'reset');
    }
    phase(t + 0.5);
    assert.ok(Math.abs(card.error(t + 0.5)) < 150, `${card.error(t + 0.5)} ns`);
  });

  it('keeps as many readings as it may, and wants as many as it must', () => {
    const card = new Card(7, 0n, 0, { ...OPTIONS, minSamples: 4, maxSamples: 6 });
    for (let t = 0; t < 3; t++) card.clock.add(card.readings(t));
    assert.equal(card.clock.mapping(), undefined);
    card.clock.add(card.readings(3));
    assert.ok(card.clock.mapping() !== undefined);
    card.clock.reset();
    assert.equal(card.clock.mapping(), undefined);
  });
});

describe('the table of cards', () => {
  const mapping: HwMapping = { phc: 100n * NS + 999_999_990n, local: instant(START), rate: 1e-6, error: 1e-7 };
  const card = { ifindex: 7, transmits: true, mapping, horizon: 8, rxComp: 0, txComp: 0, speedMbps: 1000 };
  const newTable = (...cards: (typeof card)[]): HwTableReader => {
    const buffer = new SharedArrayBuffer(HW_TABLE_BYTES);
    new HwTableWriter(buffer).write(cards);
    const reader = new HwTableReader(buffer);
    reader.refresh();
    return reader;
  };
  const seconds = Number(START / NS) | 0;

  it('translates across the second, both ways', () => {
    const table = newTable(card);
    assert.ok(table.transmit(7, 101, 0));
    assert.deepEqual([table.sec, table.nsec], [seconds, 10]);
    assert.ok(table.transmit(7, 100, 999_999_980));
    assert.deepEqual([table.sec, table.nsec], [seconds - 1, 999_999_990]);
    // 1 ppm over two seconds.
    assert.ok(table.transmit(7, 102, 999_999_990));
    assert.deepEqual([table.sec, table.nsec], [seconds + 2, 2000]);
  });

  it('moves receive stamps to the end of the frame, by the speed of the link', () => {
    // 90 bytes and 4 of the check sequence at 1 Gbit/s: 752 ns.
    const table = newTable(card, { ...card, ifindex: 8, speedMbps: 100 });
    for (const [frame, payload] of [
      [90, 48],
      [0, 48],
    ] as const) {
      assert.ok(table.receive(7, 100, 999_999_990, frame, payload, 4));
      assert.equal(table.nsec, 752);
      assert.ok(table.receive(8, 100, 999_999_990, frame, payload, 4));
      assert.equal(table.nsec, 7520);
    }
    assert.ok(table.receive(7, 100, 999_999_990, 0, 48, 6));
    assert.equal(table.nsec, 912);
  });

  it('adds what the configuration makes up for', () => {
    const table = newTable({ ...card, txComp: 300e-9, rxComp: 200e-9 });
    assert.ok(table.transmit(7, 100, 999_999_990));
    assert.equal(table.nsec, 300);
    assert.ok(table.receive(7, 100, 999_999_990, 90, 48, 4));
    assert.equal(table.nsec, 552);
  });

  it('says nothing of other cards, of stamps far away, and before there is a mapping', () => {
    const table = newTable(card, { ...card, ifindex: 8, mapping: undefined as unknown as HwMapping });
    assert.equal(table.transmit(9, 101, 0), false);
    assert.equal(table.transmit(0, 101, 0), false);
    assert.equal(table.transmit(7, 111, 0), false);
    assert.equal(table.transmit(7, 80, 0), false);
    assert.equal(table.transmit(8, 101, 0), false);
    assert.deepEqual([table.transmits(7), table.transmits(8), table.transmits(9)], [true, false, false]);
    assert.ok(newTable(card).transmit(0, 101, 0), 'with one card it can only be that one');
  });

  it('goes on where the low word of the seconds wraps', () => {
    const wrap = 4294967295n * NS + 500_000_000n;
    const table = newTable({ ...card, mapping: { phc: wrap, local: instant(wrap), rate: 0, error: 0 } });
    assert.ok(table.transmit(7, 0, 250_000_000));
    assert.deepEqual([table.sec, table.nsec], [0, 250_000_000]);
  });
});
