import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Prng } from '../../src/base/prng.js';
import { SimRtc } from '../../src/sim/rtc.js';
import { BOARD, buildWorld, type Scenario } from '../../src/sim/scenario.js';
import { GPS_PPS, gpsBoard } from '../../src/sim/scenarios/parts.js';
import { rtcScenarios } from '../../src/sim/scenarios/rtc.js';
import { testScenarios } from './support.js';

testScenarios('simulated real-time clock', rtcScenarios);

/** A receiver keeps our clock; the RTC runs away by 150 ppm, 13 s a day. */
const live = (lines: readonly string[], hours: number, gain = 150e-6) => {
  const rtc = new SimRtc({ fast: 0.2, gain, latency: 100e-6 }, new Prng(5));
  const scenario: Scenario = {
    name: 'rtc',
    what: '',
    hours,
    stage: (rng) => ({ ...gpsBoard(rng), oscillator: BOARD, conf: [...GPS_PPS, ...lines], rtc }),
    bounds: [],
    control: { what: '', factor: 1, figure: () => 1 },
  };
  const world = buildWorld(scenario, 1, false);
  world.run(hours * 3600);
  return { world, rtc };
};

describe('tracking of the real-time clock', () => {
  it('rtcautotrim keeps it near the clock and writes down what is left', () => {
    const { world, rtc } = live(['rtcfile /rtc', 'rtcautotrim 1.5'], 5);
    assert.ok(rtc.sets >= 1, 'never set');
    assert.ok(Math.abs(rtc.error(world.t)) < 1.7, `${rtc.error(world.t)}`);
    const saved = world.rtcSaved!;
    assert.ok(Math.abs(saved.gain - 150e-6) < 1e-6, `${saved.gain}`);
  });

  it('negative control: without it the RTC runs away, and is known all the same', () => {
    const { world, rtc } = live(['rtcfile /rtc'], 5);
    assert.equal(rtc.sets, 0);
    const truth = rtc.error(world.t);
    assert.ok(truth > 2.5);
    const { at, fast, gain } = world.engine.rtcLine()!;
    const told = fast + gain * (Number(world.now().raw - at) / 1e9);
    assert.ok(Math.abs(told - truth) < 1e-3, `${told} for ${truth}`);
  });

  it('without rtcfile nobody asks', () => {
    const { world } = live([], 0.1);
    assert.equal(world.engine.rtcReport(), undefined);
    assert.equal(world.engine.rtcLine(), undefined);
  });
});
