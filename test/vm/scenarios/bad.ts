/** Hardware that is there and wrong: what is believed, what is said, how it recovers. */
import type { Lab } from '../guest/lab.js';
import { writeLeapList } from '../guest/leaplist.js';
import type { Scenario } from '../scenario.js';
import { p99Within } from '../score.js';
import { STAMPS, TRUE_PHC } from './phc.js';
import { pulseConfig } from './pulses.js';

const near = (lab: Lab, text: string, limit: number): void => {
  const error = lab.error();
  lab.check(`${text}: within ${limit} ns`, Math.abs(error) <= limit, `${error} ns`);
};

const selects = async (lab: Lab, text: string, name: string, seconds: number): Promise<void> => {
  const ok = await lab.waitFor(seconds, () => lab.selected() === name);
  lab.check(`${text}: ${name} is selected within ${seconds} s`, ok, lab.selected());
};

/** A driver that is busy, and a clock that jumps. */
export const BAD_PHC: Scenario = {
  name: 'phc-bad',
  about: 'A PHC whose readings fail with EBUSY, half of them and then all for 40 s; then it is 5 ms wrong for a minute',
  settings: { freq_ppb: 15_000, start_ns: 900_000_000, phc_true: 1, phc_stamps: STAMPS.precise },
  seeds: [11],
  config: TRUE_PHC,
  seconds: 270,
  daemons: ['timeball'],
  prepare: writeLeapList,
  play: async (lab) => {
    await lab.until(20);
    lab.set('phc_busy_pct', 50);
    await lab.until(60);
    near(lab, 'half of the readings fail', 200);
    lab.check('a busy clock is not a lost one', !/device is down/.test(lab.log()));
    lab.set('phc_busy_pct', 100);
    await lab.sleep(40);
    lab.check('one that stays busy is told', /PHC device is down: .*EBUSY/.test(lab.log()));
    near(lab, 'holding over', 2000);
    lab.set('phc_busy_pct', 0);
    await lab.sleep(30);
    lab.check('its return is told', /PHC device is back/.test(lab.log()));
    near(lab, 'back', 200);
    lab.set('phc_shift_ns', 5_000_000);
    await lab.sleep(60);
    near(lab, 'a jump is not followed', 2000);
    lab.set('phc_shift_ns', 0);
    await selects(lab, 'after the jump', 'PHC', 30);
    await lab.sleep(30);
    near(lab, 'after the jump', 200);
  },
  control: {
    about: 'its time is 37 s ahead',
    config: TRUE_PHC.map((line) => line.replace(' tai', '')),
    fails: ['half of the readings', 'not followed', 'after the jump: within'],
  },
};

export const EDGES: Scenario = {
  name: 'pps-edges',
  about: 'A driver that reports both edges of a pulse 100 ms wide as the same one',
  settings: { freq_ppb: 5000, start_ns: 1_200_000_000, jitter_ns: 100, both_ns: 100_000_000 },
  seeds: [12],
  config: pulseConfig(3),
  seconds: 100,
  daemons: ['timeball'],
  play: (lab) => selects(lab, 'the start', 'PPS', 20),
  judge: (ours) => [p99Within(ours, 1000, 40)],
  control: {
    about: 'with the clear edge',
    config: pulseConfig(3).map((line) => line.replace('/dev/pps0', '/dev/pps0:clear')),
    fails: ['p99'],
  },
};

const second = (device: string, refid: string): string => `refclock PPS ${device} poll 3 refid ${refid} lock SEC`;

export const SEVERAL: Scenario = {
  name: 'pps-several',
  about: 'Three pulse sources, one of them 5 ms wrong; the one that is followed falls silent, and comes back',
  settings: { freq_ppb: 9000, start_ns: 3_000_000, jitter_ns: 100, sources: 3, last_ns: -5_000_000 },
  seeds: [13],
  config: [...pulseConfig(3), second('/dev/pps1', 'PPT'), second('/dev/pps2', 'BAD')],
  seconds: 200,
  daemons: ['timeball'],
  play: async (lab) => {
    await lab.until(60);
    const first = lab.selected();
    lab.check('a good one is selected', first === 'PPS' || first === 'PPT', first);
    lab.check('the wrong one is a falseticker', lab.state('BAD') === 'x', lab.state('BAD'));
    lab.set('silent', first === 'PPS' ? 1 : 2);
    await lab.until(120);
    const other = lab.selected();
    lab.check('the other good one takes over', other !== first && (other === 'PPS' || other === 'PPT'), other);
    lab.set('silent', 0);
    await lab.until(190);
    lab.check('both are good again', lab.state('PPS') !== '?' && lab.state('PPT') !== '?');
  },
  judge: (ours) => [p99Within(ours, 1000, 40)],
  control: {
    about: 'with two of them 5 ms wrong',
    config: [...pulseConfig(3), second('/dev/pps2', 'PPT'), second('/dev/pps2', 'BAD')],
    fails: ['the wrong one'],
  },
};

export const TORN: Scenario = {
  name: 'shm-dies',
  about: 'The program that writes shared memory dies in the middle of a sample; a minute later it is started again',
  settings: { freq_ppb: -8000, start_ns: 3_000_000, jitter_ns: 100 },
  seeds: [14],
  config: pulseConfig(3),
  seconds: 180,
  daemons: ['timeball'],
  play: async (lab) => {
    await selects(lab, 'the start', 'PPS', 20);
    await lab.until(60);
    lab.stopSeconds('SIGUSR1');
    await lab.until(120);
    lab.check('no time for pulses: holding over is told', /Holding over without a reference/.test(lab.log()));
    near(lab, 'holding over', 2000);
    lab.startSeconds();
    await selects(lab, 'it is back', 'PPS', 20);
    await lab.until(170);
    lab.check('the end of the holdover is told', /Reference is back after/.test(lab.log()));
  },
  judge: (ours) => [p99Within(ours, 1000, 40)],
  control: {
    about: 'without the lock that needs it',
    config: pulseConfig(3).map((line) => line.replace(' lock SEC', '')),
    fails: ['holding over is told', 'end of the holdover'],
  },
};

export const REBOOT: Scenario = {
  name: 'reboot',
  about: 'The daemon is started again while there are no pulses; a minute later they are back',
  settings: { freq_ppb: -45_000, start_ns: 3_000_000, jitter_ns: 100 },
  seeds: [15],
  config: pulseConfig(3),
  seconds: 280,
  daemons: ['timeball'],
  play: async (lab) => {
    await lab.until(120);
    lab.set('silent', 1);
    await lab.until(150);
    await lab.stopDaemon();
    await lab.startDaemon(lab.config);
    await lab.sleep(5);
    const stratum = lab.rows('tracking')[0]?.[2] ?? '';
    lab.check('without reference it is not synchronised', stratum === '0', `stratum ${stratum}`);
    const { ppm } = lab.timex();
    lab.check('the frequency comes from the drift file', Math.abs(ppm - 45) < 0.1, `${ppm.toFixed(3)} ppm`);
    await lab.until(220);
    near(lab, 'on that frequency alone', 20_000);
    lab.set('silent', 0);
    await selects(lab, 'pulses again', 'PPS', 20);
    await lab.until(260);
    near(lab, 'pulses again', 1000);
  },
  control: {
    about: 'without control of the clock (-x)',
    uncontrolled: true,
    fails: ['drift file', 'on that frequency', 'pulses again: within'],
  },
};
