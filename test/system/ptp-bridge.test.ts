/** Our daemon and linuxptp's ptp4l, in namespaces, with software stamps: nobody's clock can be set. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, it, type TestContext } from 'node:test';
import { loadNative } from '../../src/devices/native.js';
import { encodeSock } from '../../src/wire/refclock/sock.js';
import { cleanUp, type Running, runProgram, startDaemon, testDir } from '../support/daemon.js';
import { leapList } from '../support/leapfiles.js';
import { openStar, type Star, withoutNamespaces } from '../support/netlab.js';
import { requirePeer } from '../support/peers.js';
import { readRepo } from '../support/tree.js';
import { startPeer } from '../support/unclocked.js';

after(cleanUp);

/** The line `ptp4l …` of a configuration in the guide. */
const guideLine = (title: string, socket: string): string => {
  const block = [...readRepo('docs/guides/ptp-ntp-bridge.md').matchAll(/```conf\n([\s\S]*?)```/g)]
    .map((m) => m[1]!)
    .find((text) => text.startsWith(`# ${title}\n`))!;
  return /^ptp4l .*$/m.exec(block)![0].replace('/var/run/ptp4l', socket);
};

/** A leap second list that ends before 2017: with 36 seconds. */
const shortList = (dir: string): string => {
  const file = join(dir, 'leap-seconds.list');
  const lines = leapList().split('\n');
  writeFileSync(file, lines.filter((line) => !line.startsWith('#h') && !/\t37\t/.test(line)).join('\n'));
  return file;
};

/** A reference clock in software: the host's clock is right. */
class Pulse {
  private readonly socket;
  private readonly timer: NodeJS.Timeout;

  constructor(dir: string, to: string) {
    const native = loadNative();
    this.socket = new native.Datagram(join(dir, 'pulse.sock'), { unlink: true });
    this.timer = setInterval(() => {
      const at = native.clockGettime('realtime') / 1000n;
      const [sec, usec] = [at / 1_000_000n, Number(at % 1_000_000n)];
      this.socket.send(encodeSock({ sec, usec, offset: 0, pulse: false, leap: 0 }), to);
    }, 250);
  }

  stop(): void {
    clearInterval(this.timer);
    this.socket.close();
  }
}

interface Rig {
  readonly star: Star;
  readonly dir: string;
  readonly pmc: (socket: string, question: string) => Promise<string>;
}

/** Two hosts on one wire. undefined: not here. */
const openRig = (t: TestContext): Rig | undefined => {
  const [ptp4l, pmc] = [requirePeer(t, 'ptp4l', 'linuxptp'), requirePeer(t, 'pmc', 'linuxptp')];
  if (ptp4l === undefined || pmc === undefined) return undefined;
  let star: Star;
  try {
    star = openStar(1);
  } catch (error) {
    withoutNamespaces(t, error);
    return undefined;
  }
  const dir = testDir();
  const begin = (ns: string, link: string, name: string, args: readonly string[]): void => {
    // Announcements four times a second, so that changes are seen soon.
    const rate = ['--logAnnounceInterval', '-2', '--logSyncInterval', '-2'];
    // A busy machine is late with its stamps; that is no fault to be sulked over for 16 s.
    const patience = ['--tx_timestamp_timeout', '200', '--fault_reset_interval', '-128'];
    startPeer(ns, ptp4l, [
      '-i',
      link,
      '-S',
      '-m',
      '-4',
      '--uds_address',
      join(dir, name),
      ...rate,
      ...patience,
      ...args,
    ]);
  };
  begin(star.hub, star.spokes[0]!.hub.link, 'master', ['--free_running', '1', '--priority1', '1']);
  // It believes that it steers the clock, which it has no right to; both ends have the same one. The constants are those
  // for hardware stamps: with the others it looks on for 16 s.
  const servo = ['--pi_proportional_const', '0.7', '--pi_integral_const', '0.3'];
  begin(star.spokes[0]!.ns, 'net', 'receiver', ['-s', ...servo]);
  const ask = async (socket: string, question: string): Promise<string> => {
    const args = ['-u', '-b', '0', '-s', join(dir, socket), '-i', join(dir, `pmc.${Math.random()}`), `GET ${question}`];
    return (await runProgram(pmc, args)).stdout;
  };
  return { star, dir, pmc: ask };
};

const announces = (daemon: Running, rig: Rig, clockClass: number): Promise<string> =>
  daemon.until(`the receiver sees clockClass ${clockClass}`, async () => {
    const text = await rig.pmc('receiver', 'PARENT_DATA_SET');
    return new RegExp(`gm.ClockClass +${clockClass}\\b`).test(text) ? text : undefined;
  });

describe('PTP bridge with a real ptp4l', () => {
  it('a grandmaster announces what our clock is; a receiver tells us TAI-UTC', { timeout: 120_000 }, async (t) => {
    const rig = openRig(t);
    if (rig === undefined) return;
    const { dir, star } = rig;
    const sock = join(dir, 'ref.sock');
    const line = guideLine('to PTP', join(dir, 'master'))
      .replace(' phc eth0', '')
      .replace('1e-5', '1')
      .replace('1e-3', '2');
    const lines = [line, `refclock SOCK ${sock} refid SOCK poll 0`, `leapseclist ${shortList(dir)}`];
    const giver = await startDaemon(lines);
    const taker = await startDaemon([guideLine('from PTP', join(dir, 'receiver')), 'refclock PHC /nowhere tai']);
    let pulse: Pulse | undefined;
    try {
      await announces(giver, rig, 248);
      await taker.logged(/follows [0-9a-f]{16} \(class 248\), which does not know UTC, not traceable/);

      pulse = new Pulse(dir, sock);
      const locked = await announces(giver, rig, 6);
      t.diagnostic(/gm.ClockAccuracy.*/.exec(locked)![0]);
      const settings = await rig.pmc('master', 'GRANDMASTER_SETTINGS_NP');
      assert.match(settings, /currentUtcOffset +36\b/);
      assert.match(settings, /currentUtcOffsetValid +1/);
      assert.match(settings, /ptpTimescale +1/);
      assert.match(settings, /timeTraceable +1/);
      assert.match(settings, /timeSource +0x90/);
      // Not the constant that everybody knows: what the grandmaster says.
      await taker.logged(/follows [0-9a-f]{16} \(class 6\), TAI-UTC 36 seconds\n/);

      pulse.stop();
      await announces(giver, rig, 7);
      assert.match(await rig.pmc('master', 'GRANDMASTER_SETTINGS_NP'), /timeSource +0xa0/);

      await giver.stop();
      const text = await announces(taker, rig, 248);
      assert.match(text, /gm.ClockAccuracy +0xfe/);
      // Its wire is cut: it follows nobody, and says so.
      const [spoke] = star.spokes;
      await runProgram('ip', ['-n', spoke!.ns, 'link', 'set', spoke!.link, 'down']);
      await taker.logged(/answers, and follows no grandmaster/);
    } finally {
      pulse?.stop();
      star.close();
    }
  });

  it('a ptp4l that is not there is told, and its clock is not used', async () => {
    const dir = testDir();
    const daemon = await startDaemon([`ptp4l ${join(dir, 'none')}`, 'refclock PHC /nowhere tai']);
    await daemon.logged(/ptp4l at \S+none does not answer/);
  });
});
