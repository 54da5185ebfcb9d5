/** The clock disciplined by /dev/pps0, beside chronyd under the same noise. */
import type { Scenario } from '../scenario.js';
import { lockedWithin, p99Against, p99Within } from '../score.js';

/** Coarse time through shared memory numbers the pulses. */
export const pulseConfig = (poll: number): string[] => [
  'refclock SHM 0 refid SEC offset 0.135 precision 1e-2 poll 3 noselect',
  `refclock PPS /dev/pps0 poll ${poll} refid PPS lock SEC`,
  'makestep 0.1 3',
  'rtcsync',
];

/** From here on the start is over, for chronyd, too. */
const SETTLED_S = 120;
const SECONDS = 480;

export const QUIET: Scenario = {
  name: 'pps',
  about: 'PPS with 200 ns of noise, +12 ppm, 3 ms off at the start',
  settings: { freq_ppb: 12000, start_ns: 3000000, jitter_ns: 200 },
  seeds: [7, 21, 22],
  config: pulseConfig(4),
  seconds: SECONDS,
  daemons: ['timeball', 'chronyd'],
  judge: (ours, theirs) => [
    p99Against(ours, theirs, 1, SETTLED_S),
    p99Within(ours, 200, SETTLED_S),
    lockedWithin(ours, 10),
  ],
  control: {
    about: 'without control of the clock (-x)',
    uncontrolled: true,
    seconds: 200,
    fails: ['chronyd', '200 ns', '1 µs'],
  },
};

export const HARD: Scenario = {
  name: 'pps-hard',
  about: '−37 ppm with a random walk of 1 ppb a second, 200 ns of noise, 3 % outliers of up to 50 µs, 3 % missing',
  settings: {
    freq_ppb: -37000,
    walk_ppb: 1,
    start_ns: 3000000,
    jitter_ns: 200,
    outlier_pct: 3,
    outlier_ns: 50000,
    missing_pct: 3,
  },
  seeds: [7, 21, 22],
  config: pulseConfig(4),
  seconds: SECONDS,
  daemons: ['timeball', 'chronyd'],
  judge: (ours, theirs) => [p99Against(ours, theirs, 0.7, SETTLED_S)],
  control: { about: 'with 20 µs of noise for ours', settings: { jitter_ns: 20000 }, seconds: 300, fails: ['chronyd'] },
};
