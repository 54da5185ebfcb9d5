/** What the daemon does to the kernel's clock, and what others do to it meanwhile. */
import type { Lab } from '../guest/lab.js';
import { LEAP_DAY, LIST, writeLeapList } from '../guest/leaplist.js';
import type { Scenario } from '../scenario.js';
import { pulseConfig } from './pulses.js';

const between = (value: number, low: number, high: number): boolean => value >= low && value <= high;
const FREQUENCY = 0x2;
const SETOFFSET_NANO = 0x2100;

const within = async (lab: Lab, text: string, limit: number, seconds: number): Promise<void> => {
  const ok = await lab.waitFor(seconds, () => Math.abs(lab.error()) <= limit);
  lab.check(`${text}: within ${limit} ns after at most ${seconds} s`, ok, `${lab.error()} ns`);
};

const frequencyIs = (lab: Lab, text: string): void => {
  const { ppm } = lab.timex();
  lab.check(`${text}: the kernel runs at −80 ppm`, between(ppm, -80.5, -79.5), `${ppm.toFixed(3)} ppm`);
};

const start = async (lab: Lab): Promise<void> => {
  await within(lab, 'the start', 1_000_000, 20);
  lab.check('the step is told', /stepped by -3\.7/.test(lab.log()));
  await lab.until(100);
  const timex = lab.timex();
  frequencyIs(lab, 'at rest');
  lab.check('rtcsync clears UNSYNC', !timex.unsynchronised);
  lab.check('maxerror between 1 µs and 10 ms', between(timex.maxerrorUs, 1, 10_000), `${timex.maxerrorUs} µs`);
  lab.check('TAI − UTC', timex.tai === 37, timex.tai);
  await within(lab, 'at rest', 1000, 5);
};

const meddle = async (lab: Lab): Promise<void> => {
  lab.note('another program sets the frequency to +300 ppm');
  lab.native.clockAdjtime(0, { modes: FREQUENCY, freq: BigInt(300 * 65536) });
  await lab.sleep(60);
  frequencyIs(lab, 'after a foreign frequency');
  lab.check('the foreign frequency is told', /has set the frequency to 200\.000 ppm/.test(lab.log()));
  await within(lab, 'after a foreign frequency', 2000, 60);
  lab.note('another program steps the clock by 5 s');
  lab.native.clockAdjtime(0, { modes: SETOFFSET_NANO, timeSec: 5n, timeUsec: 0n });
  await lab.sleep(5);
  lab.check('the foreign step is told', /Detected a step of the system clock by (4\.|5\.)/.test(lab.log()));
  await within(lab, 'after a foreign step', 10_000, 120);
};

const restart = async (lab: Lab): Promise<void> => {
  await within(lab, 'before the restart', 1000, 120);
  await lab.stopDaemon();
  await lab.sleep(5);
  await lab.startDaemon(CONTROL.config);
  await lab.sleep(1);
  frequencyIs(lab, 'from the drift file at once');
  await within(lab, 'after the restart', 2000, 45);
};

export const CONTROL: Scenario = {
  name: 'clock',
  about:
    '+80 ppm, 3.7 s off: step, frequency, kernel status; another program sets the frequency and the time; a restart',
  settings: { freq_ppb: 80_000, start_ns: 3_700_000_000, jitter_ns: 100 },
  seeds: [3],
  config: [...pulseConfig(4), `leapseclist ${LIST}`],
  seconds: 300,
  daemons: ['timeball'],
  prepare: writeLeapList,
  play: async (lab) => {
    await start(lab);
    await meddle(lab);
    await restart(lab);
  },
  control: {
    about: 'without control of the clock (-x)',
    uncontrolled: true,
    fails: ['the start', 'the step is told', 'UNSYNC', 'at rest', 'after a foreign frequency', 'after a foreign step'],
  },
};

const MIDNIGHT_S = Date.parse(`${LEAP_DAY}T00:00:00Z`) / 1000;

const untilMidnight = async (lab: Lab, seconds: number): Promise<void> => {
  const left = MIDNIGHT_S + seconds - Number(lab.now().utc) / 1e9;
  if (left > 0) await lab.sleep(left);
};
const announced = (lab: Lab): string => lab.rows('tracking')[0]?.[13] ?? '';

const beforeLeap = async (lab: Lab, mode: 'system' | 'slew'): Promise<void> => {
  await untilMidnight(lab, -30);
  const { inserting, tai } = lab.timex();
  if (mode === 'system') lab.check('the insertion is announced', announced(lab) === 'Insert second', announced(lab));
  lab.check(mode === 'system' ? 'the kernel is armed' : 'the kernel is not armed', inserting === (mode === 'system'));
  lab.check('TAI − UTC before', tai === 37, tai);
  await within(lab, 'before', 1000, 5);
};

const afterLeap = async (lab: Lab, mode: 'system' | 'slew'): Promise<void> => {
  // The inserted second is over one after midnight of the count before.
  await lab.sleep(30 + 2);
  if (mode === 'system') await within(lab, 'just after', 20_000, 1);
  else
    lab.check('just after: nearly a second fast, being slewed', between(lab.error(), 2e8, 9.99e8), `${lab.error()} ns`);
  await lab.sleep(20);
  await within(lab, 'later', 2000, 60);
  const { inserting, tai } = lab.timex();
  lab.check('nothing more is announced', announced(lab) === 'Normal', announced(lab));
  lab.check('the kernel is disarmed', !inserting);
  lab.check('TAI − UTC after', tai === 38, tai);
  lab.check('it is not taken for a foreign step', !/Detected a step/.test(lab.log()));
};

const leap = (mode: 'system' | 'slew'): Scenario => ({
  name: `leap-${mode}`,
  about: `A second inserted at the end of June, by ${mode === 'system' ? 'the kernel' : 'slewing'}`,
  date: '2027-06-30T23:58:20',
  settings: { freq_ppb: 12_000, start_ns: 3_000_000, jitter_ns: 100, leap_at_s: MIDNIGHT_S },
  seeds: [4],
  config: [...pulseConfig(3), `leapsecmode ${mode}`, `leapseclist ${LIST}`],
  seconds: 150,
  daemons: ['timeball'],
  prepare: writeLeapList,
  play: async (lab) => {
    await beforeLeap(lab, mode);
    await afterLeap(lab, mode);
  },
  control: {
    about: 'without the list of leap seconds',
    config: [...pulseConfig(3), `leapsecmode ${mode}`],
    fails: ['TAI − UTC after', mode === 'system' ? 'is armed' : 'just after'],
  },
});

export const LEAP_SYSTEM = leap('system');
export const LEAP_SLEW = leap('slew');
