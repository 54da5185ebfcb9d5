/** A PHC as a reference: read in each way the kernel has, and its stamps of the pulse. */
import type { Lab } from '../guest/lab.js';
import { LIST, writeLeapList } from '../guest/leaplist.js';
import type { Scenario } from '../scenario.js';

export const STAMPS = { basic: 0, extended: 1, precise: 2 } as const;
const SETTLE_S = 45;

const reference = (line: string): string[] => [line, 'makestep 0.1 3', `leapseclist ${LIST}`];
export const TRUE_PHC = reference('refclock PHC /dev/ptp0 tai poll 2 refid PHC');
const PULSE_PHC = [
  'refclock SHM 0 refid SEC offset 0.135 precision 1e-2 poll 3 noselect',
  ...reference('refclock PHC /dev/ptp0:extpps:pin=0 poll 3 refid EXT lock SEC'),
];

/** Largest error over 10 s. */
const worst = async (lab: Lab): Promise<number> => {
  let most = 0;
  for (let i = 0; i < 40; i++) {
    await lab.sleep(0.25);
    most = Math.max(most, Math.abs(lab.error()));
  }
  return most;
};

const scored = async (lab: Lab, text: string, limit: number): Promise<void> => {
  await lab.sleep(SETTLE_S);
  const seen = await worst(lab);
  lab.check(`${text}: within ${limit} ns`, seen <= limit, `${seen} ns`);
};

const restart = async (lab: Lab, config: readonly string[]): Promise<void> => {
  await lab.stopDaemon();
  lab.forgetDrift();
  await lab.startDaemon(config);
};

const play = async (lab: Lab): Promise<void> => {
  await scored(lab, 'precise stamps', 200);
  lab.set('phc_stamps', STAMPS.extended);
  lab.set('phc_slow_pct', 30);
  await restart(lab, TRUE_PHC);
  await scored(lab, 'extended stamps, 30 % of the readings 20 µs late on one side', 2000);
  lab.set('phc_stamps', STAMPS.basic);
  await restart(lab, TRUE_PHC);
  await scored(lab, 'basic stamps, 30 % of the readings 20 µs late on one side', 3000);
  lab.set('phc_true', 0);
  await restart(lab, PULSE_PHC);
  await scored(lab, 'stamps of the pulse by a free running PHC', 3000);
  lab.set('both_ns', 100_000_000);
  await restart(lab, PULSE_PHC);
  await scored(lab, 'stamps of both edges of the pulse', 3000);
};

export const PHC: Scenario = {
  name: 'phc',
  about:
    'A PHC in TAI read by precise, extended and basic stamps, slow readings among them; then its stamps of the pulse',
  settings: {
    freq_ppb: 15_000,
    start_ns: 900_000_000,
    jitter_ns: 100,
    phc_ppb: 20_000,
    phc_true: 1,
    phc_stamps: STAMPS.precise,
  },
  seeds: [9],
  config: TRUE_PHC,
  seconds: 315,
  daemons: ['timeball'],
  prepare: writeLeapList,
  play,
  control: {
    about: 'without “tai”',
    config: TRUE_PHC.map((line) => line.replace(' tai', '')),
    seconds: 60,
    fails: ['precise stamps'],
  },
};
