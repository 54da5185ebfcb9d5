/** Pulses as bad wires and receivers give them, and a device that goes away and comes back. */
import type { Lab } from '../guest/lab.js';
import type { Result, Scenario, Verdict } from '../scenario.js';
import { p99Within } from '../score.js';
import { pulseConfig } from './pulses.js';

const DIRTY_S = 60;
const CLEAN_S = 150;
const SILENT_S = 170;
const HEARD_S = 230;
const UNPLUGGED_S = 260;
const PLUGGED_S = 290;
const END_S = 340;

const set = (lab: Lab, settings: Readonly<Record<string, number>>): void => {
  for (const [name, value] of Object.entries(settings)) lab.set(name, value);
  lab.note(JSON.stringify(settings));
};

const play = async (lab: Lab): Promise<void> => {
  lab.check('selects the pulse within 20 s', await lab.waitFor(20, () => lab.selected() === 'PPS'), lab.elapsed());
  await lab.until(DIRTY_S);
  set(lab, { missing_pct: 30, outlier_pct: 10, outlier_ns: 50_000, extra_pct: 20 });
  await lab.until(CLEAN_S);
  set(lab, { missing_pct: 0, outlier_pct: 0, extra_pct: 0 });
  await lab.until(SILENT_S);
  set(lab, { silent: -1 });
  await lab.until(HEARD_S);
  set(lab, { silent: 0 });
  await lab.until(UNPLUGGED_S);
  set(lab, { plugged: 0 });
  await lab.until(PLUGGED_S);
  lab.check('its removal is told', /PPS device is down/.test(lab.log()));
  set(lab, { plugged: 1 });
  await lab.until(END_S - 10);
  lab.check('it is opened and selected again', lab.selected() === 'PPS', lab.selected());
};

const judge = (ours: readonly Result[]): Verdict[] => [
  p99Within(ours, 1000, DIRTY_S - 20, DIRTY_S),
  p99Within(ours, 2000, DIRTY_S, CLEAN_S),
  p99Within(ours, 5000, SILENT_S, HEARD_S),
  p99Within(ours, 1000, HEARD_S + 20, UNPLUGGED_S),
  p99Within(ours, 1000, PLUGGED_S + 20, END_S),
];

export const DIRTY: Scenario = {
  name: 'pps-dirty',
  about: 'Missing, extra and displaced pulses; a minute without any; the device removed and back',
  settings: { freq_ppb: -20_000, start_ns: 1_200_000_000, jitter_ns: 100 },
  seeds: [5],
  config: pulseConfig(3),
  seconds: END_S,
  daemons: ['timeball'],
  play,
  judge,
  control: {
    about: 'with another device in the configuration',
    config: pulseConfig(3).map((line) => line.replace('/dev/pps0', '/dev/pps9')),
    fails: ['selects the pulse', 'p99', 'opened and selected again'],
  },
};
