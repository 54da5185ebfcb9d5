import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { REFID_LOCAL, REFID_SMOOTH, refidFromText } from '../../../src/base/refid.js';
import { add, fromUnix, type Instant, type Mono, mono } from '../../../src/base/time.js';
import { cook } from '../../../src/core/clockview.js';
import { formatDump, parseDump } from '../../../src/core/sources/dump.js';
import { Engine } from '../../../src/engine/engine.js';
import type { Command, CommandAnswer, Effect, Event, Now } from '../../../src/engine/events.js';
import { worldConfig } from '../../../src/sim/engineconfig.js';

const T0 = fromUnix(1_800_000_000);
const GPS = 'refclock SOCK /run/gps.sock refid GPS poll 0 filter 1';
const near = (a: number, b: number, by = 1e-6): void => assert.ok(Math.abs(a - b) <= by, `${a} is not ${b}`);

/** An engine under `-x` on a clock that only goes when it is told. */
class Bench {
  readonly engine: Engine;
  effects: readonly Effect[] = [];
  private t = 0;

  constructor(...conf: string[]) {
    this.engine = new Engine(worldConfig(conf, false), this.now);
    this.post({ kind: 'start' });
  }

  get now(): Now {
    return { raw: add(T0, this.t), mono: mono(BigInt(Math.round(this.t * 1e9))) as Mono };
  }

  wait(seconds: number): void {
    this.t += seconds;
    this.post({ kind: 'tick' });
  }

  post(event: Event): void {
    this.effects = this.engine.handle(event, this.now);
  }

  run(command: Command): CommandAnswer {
    this.post({ kind: 'command', command });
    const answers = this.effects.flatMap((e) => (e.kind === 'answer' ? [e.answer] : []));
    assert.equal(answers.length, 1, 'one answer to one command');
    return answers[0]!;
  }

  /** Says that the raw clock is `offset` slow, once a second. */
  feed(offset: number, seconds: number): void {
    for (let i = 0; i < seconds; i++) {
      this.post({ kind: 'device', source: 0, state: { kind: 'up' } });
      const reading = { local: this.now.raw, offset, error: 0, leap: 0 as const, pulse: false };
      this.post({ kind: 'reading', source: 0, reading });
      this.wait(1);
    }
  }

  served(): { readonly refId: number; readonly stratum: number; readonly leap: number; readonly time: Instant } {
    this.wait(0);
    const found = this.effects.find((e) => e.kind === 'server-state');
    assert.ok(found?.kind === 'server-state');
    return { ...found.state, time: cook(found.state.view, this.now.raw) };
  }

  facts(): string[] {
    return this.effects.flatMap((e) => (e.kind === 'fact' ? [e.fact.text] : []));
  }

  tracking = () => this.engine.tracking(this.now);
}

const LOCAL = { stratum: 7, orphan: false, distance: 1, activate: 0, waitsynced: 0, waitunsynced: 0 };

describe('command local', () => {
  it('is served at once and taken back', () => {
    const b = new Bench(GPS);
    assert.equal(b.served().leap, 3);
    assert.deepEqual(b.run({ name: 'local', options: LOCAL }), { outcome: 'done' });
    const serving = 'No reference to follow: serving local time as stratum 7';
    assert.deepEqual(b.facts(), ['Enabled local reference mode', serving]);
    assert.equal(b.served().stratum, 7);
    assert.equal(b.served().refId, REFID_LOCAL);
    b.run({ name: 'local', options: undefined });
    assert.equal(b.served().leap, 3);
  });

  it('waits for what it was told to wait for', () => {
    const b = new Bench(GPS);
    b.run({ name: 'local', options: { ...LOCAL, waitunsynced: 100 } });
    assert.equal(b.served().leap, 3);
    b.wait(101);
    assert.equal(b.served().leap, 0);
    b.run({ name: 'local', options: { ...LOCAL, activate: 0.1 } });
    assert.equal(b.served().leap, 3);
  });
});

describe('command settime', () => {
  it('needs `manual`, by the configuration or by command', () => {
    const b = new Bench(GPS);
    assert.equal(b.run({ name: 'settime', time: T0 }).outcome, 'not-enabled');
    b.run({ name: 'manual', action: 'on' });
    assert.equal(b.run({ name: 'settime', time: T0 }).outcome, 'done');
    b.run({ name: 'manual', action: 'off' });
    assert.equal(b.run({ name: 'settime', time: T0 }).outcome, 'not-enabled');
  });

  it('sets the clock by the first time and its rate by the second', () => {
    const b = new Bench(GPS, 'manual');
    const first = b.run({ name: 'settime', time: add(b.now.raw, -2) });
    near(first.manual!.offsetFast, 2);
    assert.equal(first.manual!.freqFastPpm, 0);
    near(b.tracking().currentCorrection, -2);
    near(b.tracking().lastOffset, -2);
    assert.ok(b.facts().includes('Making a slew of 2.000000'));
    assert.ok(b.facts().includes('System clock wrong by -2.000000 seconds'));
    b.wait(10_000);
    // The oscillator is 100 ppm fast: what the clock says has run 1 s ahead.
    const second = b.run({ name: 'settime', time: add(b.now.raw, -3) });
    near(second.manual!.offsetFast, 1, 1e-3);
    near(second.manual!.freqFastPpm, 100, 0.1);
    near(b.tracking().frequencyFastPpm, 100, 0.1);
    near(b.tracking().currentCorrection, -3, 1e-3);
    assert.equal(b.tracking().lastUpdateInterval, 10_000);
    assert.equal(b.engine.manualList().length, 2);
  });

  it('too soon, it fails and changes nothing', () => {
    const b = new Bench(GPS, 'manual');
    b.run({ name: 'settime', time: b.now.raw });
    b.wait(0.5);
    assert.equal(b.run({ name: 'settime', time: add(b.now.raw, 5) }).outcome, 'failed');
    near(b.tracking().currentCorrection, 0);
  });

  it('delete and reset', () => {
    const b = new Bench(GPS, 'manual');
    b.run({ name: 'settime', time: b.now.raw });
    assert.equal(b.run({ name: 'manual-delete', index: 1 }).outcome, 'bad-sample');
    assert.equal(b.run({ name: 'manual-delete', index: 0 }).outcome, 'done');
    assert.deepEqual(b.engine.manualList(), []);
    b.run({ name: 'settime', time: b.now.raw });
    b.run({ name: 'reset-sources' });
    assert.deepEqual(b.engine.manualList(), [], 'they are measurements, too');
    b.wait(2);
    b.run({ name: 'settime', time: b.now.raw });
    b.run({ name: 'manual', action: 'reset' });
    assert.deepEqual(b.engine.manualList(), []);
  });

  it('does not make the daemon synchronised', () => {
    const b = new Bench(GPS, 'manual');
    b.run({ name: 'settime', time: b.now.raw });
    assert.equal(b.served().leap, 3);
  });
});

describe('commands dfreq and doffset', () => {
  it('dfreq: positive makes the clock slower, as chrony counts', () => {
    const b = new Bench(GPS);
    b.run({ name: 'change-frequency', freqFastPpm: 10 });
    b.run({ name: 'change-frequency', freqFastPpm: -4 });
    near(b.tracking().frequencyFastPpm, 6);
    b.wait(1000);
    near(b.tracking().currentCorrection, -6e-3);
    assert.equal(b.run({ name: 'change-frequency', freqFastPpm: Number.NaN }).outcome, 'failed');
    near(b.tracking().frequencyFastPpm, 6);
    b.run({ name: 'change-frequency', freqFastPpm: 1e6 });
    near(b.tracking().frequencyFastPpm, 100_000);
  });

  it('doffset: positive moves the clock back', () => {
    const b = new Bench(GPS);
    b.run({ name: 'change-offset', offsetFast: 0.25 });
    near(b.tracking().currentCorrection, -0.25);
    assert.deepEqual(b.facts(), ['Accumulated delta offset of 0.250000 seconds']);
    assert.equal(b.run({ name: 'change-offset', offsetFast: 1e18 }).outcome, 'failed');
  });
});

describe('commands selectopts and offset', () => {
  const source = { refId: refidFromText('GPS') };

  it('selectopts changes what is named and nothing else', () => {
    const b = new Bench(`${GPS} noselect`);
    b.run({ name: 'select-options', source, change: { noselect: false, trust: true } });
    const [report] = b.engine.selectdata(b.now);
    assert.deepEqual(report!.configured, { noselect: false, prefer: false, trust: true, require: false });
    assert.deepEqual(b.facts(), ['Source GPS selection options modified']);
    b.feed(0.1, 5);
    assert.equal(b.engine.selectdata(b.now)[0]!.state, '*');
  });

  it('negative control: without it the source stays out', () => {
    const b = new Bench(`${GPS} noselect`);
    b.feed(0.1, 5);
    assert.equal(b.engine.selectdata(b.now)[0]!.state, 'N');
  });

  it('offset: the next measurements are corrected by it', () => {
    const b = new Bench(GPS);
    b.run({ name: 'source-offset', source, offset: 0.125 });
    b.feed(0.1, 5);
    near(b.tracking().currentCorrection, 0.225, 1e-4);
    assert.equal(b.run({ name: 'source-offset', source: { refId: 1 }, offset: 0 }).outcome, 'no-such-source');
    const address = { address: '192.0.2.1' };
    assert.equal(b.run({ name: 'select-options', source: address, change: {} }).outcome, 'no-such-source');
  });
});

describe('command smoothtime', () => {
  it('is not there without the directive', () => {
    const b = new Bench(GPS);
    assert.equal(b.run({ name: 'smoothtime', action: 'activate' }).outcome, 'not-enabled');
    assert.equal(b.engine.smoothingReport(b.now), undefined);
  });

  it('clients see a correction slowly, reports see it at once; reset shows it to clients, too', () => {
    const b = new Bench(GPS, 'smoothtime 400 0.01', 'local stratum 5');
    b.run({ name: 'smoothtime', action: 'activate' });
    assert.deepEqual(b.facts(), ['Activated time smoothing']);
    const before = b.served().time;
    b.run({ name: 'change-offset', offsetFast: -0.5 });
    near(Number(b.served().time - before) / 1e9, 0);
    assert.equal(b.served().refId, REFID_SMOOTH);
    assert.equal(b.tracking().refId, REFID_LOCAL);
    near(b.tracking().currentCorrection, 0.5);
    near(b.engine.smoothingReport(b.now)!.offset, -0.5);
    b.run({ name: 'smoothtime', action: 'reset' });
    near(Number(b.served().time - before) / 1e9, 0.5);
    assert.equal(b.served().refId, REFID_LOCAL);
  });

  it('begins by itself once the clock is steady', () => {
    const b = new Bench(GPS, 'smoothtime 400 0.5');
    assert.equal(b.engine.smoothingReport(b.now)!.active, false);
    b.feed(0.1, 20);
    assert.equal(b.engine.smoothingReport(b.now)!.active, true);
  });
});

describe('histories over a restart', () => {
  it('a restored source can be selected without a new sample', () => {
    const before = new Bench(GPS);
    before.feed(0.1, 10);
    const [dump] = before.engine.dumps();
    assert.ok(dump !== undefined && dump.samples.length >= 6);
    const text = formatDump(dump);
    const now = before.engine.clock.now(before.now.raw);
    const read = parseDump(text, { name: 'GPS', refId: dump.refId }, now)!;
    assert.equal(read.samples.length, dump.samples.length);
    near(read.samples[0]!.offset, dump.samples[0]!.offset);
    const after = new Bench(GPS);
    after.wait(11);
    after.post({ kind: 'restore', source: 0, dump: read });
    const [stats] = after.engine.sourcestats(after.now);
    assert.equal(stats!.samples, dump.samples.length);
    assert.ok(after.engine.sourceReports(after.now)[0]!.reach > 0);
  });

  it('an index that nobody has is passed over', () => {
    const b = new Bench(GPS);
    const dump = { name: 'X', refId: 1, reach: 1, reachSize: 1, stratum: 0, leap: 0 as const, samples: [] };
    b.post({ kind: 'restore', source: 5, dump });
    assert.deepEqual(b.engine.dumps(), []);
  });
});
