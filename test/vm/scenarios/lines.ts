/** Serial lines: a receiver that is unplugged and plugged in again, a pulse on the carrier detect line of a terminal. */
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import type { Lab } from '../guest/lab.js';
import { Line, speak } from '../guest/receiver.js';
import type { Scenario } from '../scenario.js';
import { p99Within } from '../score.js';
import { pulseConfig } from './pulses.js';

const GPS = '/tmp/gps0';
const CARRIER = '/tmp/carrier0';

const config = [
  `refclock NMEA ${GPS}:baud=9600 refid GPS poll 3 noselect`,
  'refclock PPS /dev/pps0 poll 3 refid PPS lock GPS',
  'makestep 0.1 3',
];

const lineOf = (lab: Lab): Line => {
  const line = new Line(lab, GPS);
  line.plug();
  return line;
};

export const RECEIVER: Scenario = {
  name: 'gps-unplug',
  about: 'Sentences on a serial line number the pulses; the receiver is unplugged for 20 s, then for a minute',
  settings: { freq_ppb: 20_000, start_ns: 700_000_000, jitter_ns: 100 },
  seeds: [16],
  config,
  seconds: 230,
  daemons: ['timeball'],
  play: async (lab) => {
    const line = lineOf(lab);
    const voice = speak(lab, line);
    lab.check('PPS within 20 s', await lab.waitFor(20, () => lab.selected() === 'PPS'), lab.elapsed());
    await lab.until(50);
    line.unplug();
    await lab.until(70);
    lab.check('that it is unplugged is told', /GPS device is down: .*the clock carries the number/.test(lab.log()));
    lab.check('pulses are still used after 20 s', lab.selected() === 'PPS', lab.selected());
    line.plug();
    await lab.until(85);
    lab.check('its return is told', /GPS device is back/.test(lab.log()));
    await lab.until(100);
    line.unplug();
    await lab.until(160);
    const held = /Holding over without a reference/.test(lab.log());
    lab.check('after half a minute without a word pulses are not believed, which is told', held);
    line.plug();
    await lab.until(190);
    lab.check('the end of the holdover is told', /Reference is back after/.test(lab.log()));
    voice.stop();
  },
  judge: (ours) => [p99Within(ours, 1000, 40)],
  control: {
    about: 'with another line in the configuration',
    config: config.map((line) => line.replace(GPS, '/tmp/gps9')),
    seconds: 190,
    fails: ['PPS within', 'p99', 'unplugged is told'],
  },
};

/** Kernel's name of the pulse source of a terminal, '' when there is none. */
const sourceOf = (tty: string): string =>
  readdirSync('/sys/class/pps').find(
    (name) =>
      readFileSync(`/sys/class/pps/${name}/path`, 'utf8').trim().replaceAll('/', '') === tty.replaceAll('/', ''),
  ) ?? '';

const opened = (lab: Lab, path: string): boolean => {
  const folder = `/proc/${lab.pid}/fd`;
  return readdirSync(folder).some((fd) => existsSync(`${folder}/${fd}`) && readlinkSync(`${folder}/${fd}`) === path);
};

const attached = async (lab: Lab, line: Line, text: string): Promise<void> => {
  const found = await lab.waitFor(15, () => sourceOf(line.tty) !== '');
  const name = sourceOf(line.tty);
  lab.check(`${text}: the kernel has a pulse source for it`, found, name);
  lab.check(`${text}: that one is open`, name !== '' && opened(lab, `/dev/${name}`), name);
};

const carrier = `refclock PPS ${CARRIER} poll 3 refid TTY lock SEC noselect`;

export const CARRIED: Scenario = {
  name: 'pps-tty',
  about: 'A terminal given as a pulse source gets the line discipline; unplugged, plugged in again; the daemon stops',
  settings: { freq_ppb: 20_000, start_ns: 3_000_000, jitter_ns: 100 },
  seeds: [17],
  config: [...pulseConfig(3), carrier],
  seconds: 80,
  daemons: ['timeball'],
  prepare: () => execFileSync('insmod', ['/module/pps-ldisc.ko']),
  play: async (lab) => {
    const line = new Line(lab, CARRIER);
    line.plug();
    await attached(lab, line, 'plugged in');
    line.unplug();
    await lab.sleep(10);
    lab.check('its removal is told', /TTY device is down/.test(lab.log()));
    line.plug();
    await attached(lab, line, 'plugged in again');
    await lab.until(60);
    await lab.stopDaemon();
    await lab.sleep(1);
    lab.check('a stopped daemon leaves no source behind', sourceOf(line.tty) === '', sourceOf(line.tty));
  },
  judge: (ours) => [p99Within(ours, 1000, 40, 60)],
  control: {
    about: 'with another terminal in the configuration',
    config: [...pulseConfig(3), carrier.replace(CARRIER, '/tmp/carrier9')],
    fails: ['the kernel has a pulse source', 'that one is open'],
  },
};
