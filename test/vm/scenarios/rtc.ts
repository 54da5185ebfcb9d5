/** The real-time clock of the machine: its updates by interrupt, how it is tracked and trimmed, the start from it (-s). */
import type { NativeRtcUpdate } from '../../../src/devices/native.js';
import type { Lab } from '../guest/lab.js';
import type { Scenario } from '../scenario.js';
import { pulseConfig } from './pulses.js';

const DEVICE = '/dev/rtc0';
const FILE = '/tmp/rtcfile';
const SETOFFSET_NANO = 0x2100;
const UPDATE_S = 10;

const withoutFile = [...pulseConfig(3).filter((line) => line !== 'rtcsync'), 'rtconutc', 'hwclockfile /nonexistent'];
const config = [...withoutFile, `rtcdevice ${DEVICE}`, `rtcfile ${FILE}`];

const seconds = (lab: Lab): number => Number(lab.native.clockGettime('realtime') / 1_000_000_000n);

/** How far two updates of the addon's thread are from whole seconds of each other, ms. */
const scatter = async (lab: Lab): Promise<number> => {
  const rtc = new lab.native.Rtc(DEVICE);
  const updates: NativeRtcUpdate[] = [];
  rtc.start(
    (update) => updates.push(update),
    (code) => lab.note(`the RTC's thread ended: ${code}`),
  );
  for (let wanted = 1; wanted <= 2; wanted++) {
    rtc.request();
    await lab.waitFor(UPDATE_S, () => updates.length >= wanted);
  }
  rtc.close();
  const [a, b] = updates;
  if (a === undefined || b === undefined) return Number.NaN;
  return Math.abs(Number(b.time - a.time) / 1e6 - (b.seconds - a.seconds) * 1000);
};

const setAhead = (lab: Lab, by: number): void => {
  const rtc = new lab.native.Rtc(DEVICE);
  rtc.set(seconds(lab) + by);
  rtc.close();
};

/** A line of `chronyc rtcdata`, its value. */
const rtcdata = (lab: Lab, name: string): string =>
  lab
    .ask('rtcdata')
    .split('\n')
    .find((line) => line.startsWith(name))
    ?.split(' : ')[1]
    ?.trim() ?? '';

const fast = (lab: Lab): number => Number.parseFloat(rtcdata(lab, 'RTC is fast by'));

const measured = async (lab: Lab, text: string, low: number, high: number): Promise<void> => {
  await lab.waitFor(90, () => Number(rtcdata(lab, 'Number of samples')) >= 4);
  const seen = fast(lab);
  lab.check(text, seen >= low && seen <= high, `${seen} s`);
};

/** The clock forgets the time, and the daemon has no source. */
const fromTheRtc = async (lab: Lab): Promise<void> => {
  await lab.stopDaemon();
  lab.native.clockAdjtime(0, { modes: SETOFFSET_NANO, timeSec: -86_400n, timeUsec: 0n });
  await lab.startDaemon(
    lab.config.filter((line) => !line.startsWith('refclock')),
    '-s',
  );
  lab.check('the clock is set from the RTC', /System time set from RTC/.test(lab.log()));
  const slewed = await lab.waitFor(60, () => /System clock off from RTC by -?[0-9.]+ seconds \(slew\)/.test(lab.log()));
  lab.check('the rest is slewed', slewed);
  await lab.sleep(20);
  lab.check('right within 20 ms, without any source', Math.abs(lab.error()) < 20e6, `${lab.error()} ns`);
};

const play = async (lab: Lab): Promise<void> => {
  await lab.waitFor(30, () => lab.selected() === 'PPS');
  await measured(lab, 'it is seen to be two seconds ahead', 1, 3);
  lab.ask('trimrtc');
  lab.check('trimrtc says what it did', /RTC wrong by [12]\.[0-9]+ seconds \(step\)/.test(lab.log()));
  await lab.sleep(1);
  await measured(lab, 'now it is right within a second', -1, 1);
  lab.check('writertc', /OK/.test(lab.ask('writertc')));
  await fromTheRtc(lab);
};

export const RTC: Scenario = {
  name: 'rtc',
  about: 'The real-time clock two seconds ahead: measured, trimmed, and the clock set from it at the start',
  settings: { freq_ppb: 8000, start_ns: 200_000_000, jitter_ns: 100 },
  seeds: [5],
  config,
  seconds: 60,
  daemons: ['timeball'],
  prepare: async (lab) => {
    const off = await scatter(lab);
    lab.check('updates come whole seconds apart, within 20 ms', off < 20, `${off.toFixed(3)} ms`);
    setAhead(lab, 2);
  },
  play,
  control: {
    about: 'without a file to remember it in',
    config: withoutFile,
    fails: ['two seconds ahead', 'trimrtc', 'writertc', 'set from the RTC'],
  },
};
