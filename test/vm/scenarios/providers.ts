/** A network card that is two providers of stamps, of which one is wrong. */
import { execFileSync } from 'node:child_process';
import { checkShare, checkWithin, record, spread } from '../guest/client.js';
import type { Lab } from '../guest/lab.js';
import { FAR } from '../guest/wire.js';
import type { Scenario } from '../scenario.js';
import { EVERY_SECOND, SKIPPED_S, startServer, taken, WIRE } from './cards.js';

/** The approximate stamps, ns: both late, so that the client takes the clock to be fast by as much. */
const LATE_NS = 2000;
const ON = 1;
const ALL_PACKETS = 1;

const source = [`server ${FAR} ${EVERY_SECOND}`, 'port 0'];
const config = [...source, 'hwtimestamp wire0'];

/** ptpN of wire0's stamps. */
const clockOf = (lab: Lab, word: 'precise' | 'approx'): number =>
  lab.native.stampProviders('wire0').find(({ qualifier }) => qualifier === (word === 'precise' ? 0 : 1))!.phcIndex;
const inForce = (lab: Lab): string =>
  lab.native
    .stampProviders('wire0')
    .filter((p) => p.inForce)
    .map(({ phcIndex, qualifier }) => `ptp${phcIndex} ${qualifier === 0 ? 'precise' : 'approx'}`)
    .join();

/** As `ethtool --set-hwtimestamp-cfg` does. */
const takeApproximate = (lab: Lab): void => {
  lab.native.setStampProvider('wire0', clockOf(lab, 'approx'), 1, ON, ALL_PACKETS);
};

const nic = (...words: string[]): string =>
  execFileSync('/usr/bin/node', ['/timeball/bin/timeball', 'nic', 'wire0', ...words], { encoding: 'utf8' });

/** By the exact one, and then everything as it was. */
const ownTest = (lab: Lab): void => {
  const now = (): string => `${inForce(lab)} ${JSON.stringify(lab.native.stampConfig('wire0'))}`;
  const before = now();
  const { test, provider } = JSON.parse(nic('--test', FAR, '--json'));
  const seen = [test.sentByCard, test.receivedByCard, provider];
  lab.check(
    'timeball nic --test: eight of eight',
    seen.join() === `8,8,ptp${clockOf(lab, 'precise')} precise mac`,
    seen.join(', '),
  );
  lab.check('and all is as it was before', now() === before, now());
};

const listed = (lab: Lab): void => {
  const text = nic();
  lab.note(`timeball nic wire0:\n${text}`);
  const seen = text
    .split('\n')
    .filter((line) => / ptp\d/.test(line))
    .map((line) => line.trim().replace(/ {2,}/, ' '));
  const expected = [
    `providers ptp${clockOf(lab, 'precise')} precise mac: transmit off on, receive none all`,
    `ptp${clockOf(lab, 'approx')} approx mac (in use): transmit off on, receive none all`,
    `hwtimestamp stamps what it sends and receives; provider ptp${clockOf(lab, 'precise')} precise mac`,
  ];
  lab.check(
    'timeball nic lists both, and says which is in use',
    seen.join('|') === expected.join('|'),
    seen.join(' | '),
  );
};

const told = (lab: Lab, word: 'precise' | 'approx'): boolean =>
  lab.log().includes(`Enabled HW timestamping on wire0, provider ptp${clockOf(lab, word)} ${word} mac\n`);

/** `around`: the error that is expected, ns. */
const measured = async (lab: Lab, text: string, around: number): Promise<void> => {
  await lab.sleep(SKIPPED_S);
  const since = taken(lab.ask);
  const seen = await record(lab, 40, lab.ask, () => 0);
  checkWithin(
    lab,
    `${text}: the median of what is measured is within 50 ns of ${around} ns`,
    spread(seen.exchange),
    50,
    around,
  );
  const { card, all } = taken(lab.ask);
  checkShare(lab, `${text}: stamps`, card - since.card, all - since.all);
};

const refused = async (lab: Lab): Promise<void> => {
  const ended = await lab.startDaemon([...source, 'hwtimestamp wire0 provider phy']).then(
    () => false,
    () => true,
  );
  const reason = 'Could not enable HW timestamping on wire0 : the interface has no provider of stamps phy that will do';
  lab.check('a provider that is not there ends the start, with the reason', ended && lab.log().includes(reason));
};

const play = async (lab: Lab): Promise<void> => {
  lab.check('the exact provider is taken, and told', told(lab, 'precise'), inForce(lab));
  await measured(lab, 'the exact one', 0);
  takeApproximate(lab);
  await lab.sleep(4);
  lab.check('and is taken back from others', inForce(lab) === `ptp${clockOf(lab, 'precise')} precise`, inForce(lab));
  await lab.stopDaemon();
  await lab.startDaemon([...source, 'hwtimestamp wire0 provider approx']);
  lab.check('the other one when asked for', told(lab, 'approx'), inForce(lab));
  await measured(lab, 'the other one, which is late by its own clock', -LATE_NS);
  await lab.stopDaemon();
  await refused(lab);
};

export const PROVIDERS: Scenario = {
  name: 'nic-providers',
  about:
    'A card that is two providers of stamps, with a clock each: the exact one is used, the other when it is asked for',
  kernel: 'next',
  settings: { freq_ppb: 12_345, start_ns: 3_000_000, phc_ppb: 20_000 },
  wire: { ...WIRE, approx_ns: LATE_NS },
  uncontrolled: true,
  seeds: [7],
  config,
  daemons: ['timeball'],
  prepare: async (lab) => {
    await startServer(lab);
    takeApproximate(lab);
    listed(lab);
    ownTest(lab);
  },
  seconds: 150,
  play,
  control: {
    about: 'with “provider approx”',
    config: [...source, 'hwtimestamp wire0 provider approx'],
    fails: ['the exact provider', 'the exact one: the median', 'taken back'],
  },
};
