/** NTP inside PTP messages between cards that stamp nothing else, and the bridge between PTP and NTP. */
import { checkWithin, correction, Report, record, spread } from '../guest/client.js';
import type { Lab } from '../guest/lab.js';
import { LIST, writeLeapList } from '../guest/leaplist.js';
import { stop } from '../guest/programs.js';
import { askFar, ptpLog, SOCKET, startFar, startNear } from '../guest/ptp4l.js';
import { FAR, NEAR } from '../guest/wire.js';
import type { Scenario } from '../scenario.js';
import { quantileOf } from '../score.js';
import { SKIPPED_S, WIRE, without } from './cards.js';
import { pulseConfig } from './pulses.js';

const INSIDE = 'port 319 minpoll 0 maxpoll 0 xleave iburst extfield F324';
const OUTSIDE = 'minpoll 0 maxpoll 0 xleave iburst';
const CARD = 'hwtimestamp wire0 rxfilter ptp';
const PEER_CARD = 'hwtimestamp wire1 rxfilter ptp';

const received = (lab: Lab): number => new Report(lab.ask('serverstats')).count('NTP hardware RX timestamps');

const checkBoth = (lab: Lab, who: string, report: Report): void => {
  for (const [name, value] of [
    ['Interleaved', 'Yes'],
    ['TX timestamping', 'Hardware'],
    ['RX timestamping', 'Hardware'],
  ] as const) {
    lab.check(`${who}: ${name} ${value}`, report.get(name) === value, report.get(name));
  }
};

const served = async (lab: Lab): Promise<void> => {
  await lab.until(60);
  const before = received(lab);
  await lab.wire.startPeer('port 0', 'ptpport 319', PEER_CARD, `server ${NEAR} ${INSIDE}`);
  await lab.sleep(SKIPPED_S);
  const errors = await record(lab, 60, lab.wire.askPeer, () => lab.error());
  checkWithin(lab, 'chronyd of ours: the median of what it measures is within 50 ns', spread(errors.exchange));
  checkWithin(lab, 'chronyd of ours: and that of its clock within 100 ns', spread(errors.clock), 100);
  checkBoth(lab, 'chronyd of ours', new Report(lab.wire.askPeer('ntpdata')));
  await lab.wire.stopPeer();
  const after = received(lab);
  lab.check('our card stamped what came inside PTP', after - before >= 60, `${after - before}`);
  await lab.wire.startPeer('port 0', PEER_CARD, `server ${NEAR} ${OUTSIDE}`);
  await lab.sleep(15);
  lab.check('and nothing that came to the NTP port', received(lab) === after, `${received(lab) - after}`);
  await lab.wire.stopPeer();
};

/** The server's clock is our own from now on: its frequency of before means nothing. */
const restart = async (lab: Lab, ...config: string[]): Promise<void> => {
  await lab.stopDaemon();
  lab.forgetDrift();
  await lab.startDaemon(config, '-x');
};

const asked = async (lab: Lab): Promise<void> => {
  await lab.stopDaemon();
  await lab.wire.startPeer('local stratum 1', 'allow', 'ptpport 319', PEER_CARD);
  await restart(lab, `server ${FAR} ${INSIDE}`, 'ptpport 319', 'port 0', CARD);
  await lab.sleep(SKIPPED_S);
  const errors = await record(lab, 40, lab.ask, () => 0);
  checkWithin(lab, 'ours of chronyd: the median of what it measures is within 50 ns', spread(errors.exchange));
  checkWithin(lab, 'ours of chronyd: and that of its clock within 50 ns', spread(errors.clock));
  checkBoth(lab, 'ours of chronyd', new Report(lab.ask('ntpdata')));
  await restart(lab, `server ${FAR} ${OUTSIDE}`, 'port 0', 'hwtimestamp wire0');
  await lab.sleep(10);
  const data = new Report(lab.ask('ntpdata'));
  lab.check(
    'without “rxfilter ptp” only what is sent',
    data.get('RX timestamping') === 'Kernel',
    data.get('RX timestamping'),
  );
  lab.check('which is told', lab.log().includes('Enabled HW timestamping (TX only) on wire0\n'));
};

const insideConfig = [...pulseConfig(4), 'allow 10.9.0.0/24', 'ptpport 319', CARD];

export const INSIDE_PTP: Scenario = {
  name: 'ntp-over-ptp',
  about:
    'Cards that stamp only PTP: NTP inside PTP messages, ours serving an interleaved chronyd and the other way round',
  settings: { freq_ppb: 12_345, start_ns: 3_000_000, jitter_ns: 100, phc_ppb: 20_000 },
  wire: { ...WIRE, rx_stamps: '1,1' },
  seeds: [7],
  config: insideConfig,
  seconds: 250,
  daemons: ['timeball'],
  play: async (lab) => {
    await served(lab);
    await asked(lab);
  },
  control: {
    about: 'without “rxfilter ptp” at the server',
    config: insideConfig.map((line) => line.replace(' rxfilter ptp', '')),
    fails: ['chronyd of ours: the median', 'inside PTP'],
  },
};

/** TAI − UTC as the grandmaster has it: another one than the real one, so that no constant passes. */
const ANNOUNCED = 36;
const SECOND_NS = 1e9;
const ACCURACY = 'clockClass 6 clockAccuracy 0x21 offsetScaledLogVariance 0x4e5d';
const TRACEABLE = 'currentUtcOffsetValid 1 ptpTimescale 1 timeTraceable 1 frequencyTraceable 1 timeSource 0x20';
const SETTINGS = `${ACCURACY} currentUtcOffset ${ANNOUNCED} leap61 0 leap59 0 ${TRACEABLE}`;

const checkMost = (lab: Lab, text: string, errors: readonly number[]): void => {
  const seen = quantileOf(errors.map(Math.abs), 0.95);
  lab.check(`${text} within 200 ns, 95 %`, seen <= 200, `${seen.toFixed(0)} ns; median ${spread(errors).text}`);
};

const sampled = async (lab: Lab, seconds: number, value: () => number): Promise<number[]> => {
  const seen: number[] = [];
  for (let i = 0; i < seconds; i++) {
    seen.push(value());
    await lab.sleep(1);
  }
  return seen;
};

const fromPtp = async (lab: Lab): Promise<void> => {
  const master = startFar(lab.wire);
  const slave = startNear('-s', '--logSyncInterval', '0');
  await lab.sleep(3);
  askFar(`SET GRANDMASTER_SETTINGS_NP ${SETTINGS}`);
  const selected = await lab.waitFor(60, () => lab.selected() === 'PTP');
  lab.check('the card that ptp4l steers is selected', selected, lab.selected());
  await lab.sleep(30);
  const wrong = (37 - ANNOUNCED) * SECOND_NS;
  checkMost(
    lab,
    "time served is the grandmaster's",
    await sampled(lab, 60, () => lab.error() - wrong + correction(lab.ask)),
  );
  lab.check('whom ptp4l follows is told', /follows [0-9a-f]{16} \(class 6\), TAI-UTC 36 seconds/.test(lab.log()));
  await stop(slave);
  const silent = await lab.waitFor(20, () => lab.log().includes(`ptp4l at ${SOCKET} does not answer`));
  lab.check('that ptp4l ended is told', silent);
  const holding = await lab.waitFor(20, () => lab.log().includes('Holding over without a reference'));
  lab.check('then it is holding over', holding);
  await stop(master);
};

const announces = (lab: Lab, text: string, seconds: number, clockClass: number): Promise<void> => {
  const seen = (): string => /gm\.ClockClass +(\d+)/.exec(askFar('GET PARENT_DATA_SET'))?.[1] ?? '';
  return lab
    .waitFor(seconds, () => seen() === String(clockClass))
    .then((ok) => lab.check(`${text}: clockClass ${clockClass} at the receiver`, ok, seen()));
};

const TO_PTP = [`ptp4l ${SOCKET} grandmaster phc /dev/ptp0`, `leapseclist ${LIST}`, ...pulseConfig(4)];

const toPtp = async (lab: Lab): Promise<void> => {
  await lab.stopDaemon();
  lab.forgetDrift();
  const ends = [startNear(), startFar(lab.wire, '-s')];
  await lab.startDaemon(TO_PTP);
  await announces(lab, 'pulses', 90, 6);
  await lab.sleep(30);
  const tai = (): number => {
    const { phc, utc } = lab.now();
    return Number(phc - utc) - 37 * SECOND_NS;
  };
  checkMost(lab, "the card's clock is true TAI", await sampled(lab, 60, tai));
  lab.set('silent', -1);
  await announces(lab, 'no pulses', 60, 7);
  await lab.stopDaemon();
  await announces(lab, 'nobody looks after the clock', 20, 248);
  for (const child of ends) await stop(child);
  lab.note(`ptp4l: ${ptpLog().slice(-1500)}`);
};

const bridgeConfig = [
  `ptp4l ${SOCKET}`,
  'refclock PHC /dev/ptp0 tai poll 0 refid PTP',
  'makestep 0.1 3',
  'allow 10.9.0.0/24',
];

export const BRIDGE: Scenario = {
  name: 'ptp-bridge',
  about:
    'Real ptp4l: a card that it steers as our reference; then pulses, by which we steer the card and tell ptp4l its quality',
  settings: { freq_ppb: 12_345, start_ns: 3_000_000, jitter_ns: 50, phc_ppb: -23_000 },
  wire: { delay_ns: 2000, noise_ns: 60 },
  seeds: [11],
  config: bridgeConfig,
  seconds: 420,
  daemons: ['timeball'],
  prepare: writeLeapList,
  play: async (lab) => {
    await fromPtp(lab);
    await toPtp(lab);
  },
  control: {
    about: 'by the list of leap seconds, without asking ptp4l',
    config: [...without(bridgeConfig, 'ptp4l'), `leapseclist ${LIST}`],
    fails: ['time served', 'follows', 'is told'],
  },
};
