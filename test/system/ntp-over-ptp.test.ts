/** NTP inside PTP messages, with a real chronyd at either end, and with the form that later ones speak. */
import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { after, describe, it } from 'node:test';
import { FIELD, putCorrection } from '../../src/wire/ntp/tail.js';
import { correctionOf, FRAMING, type Framing, framingOf, putFraming } from '../../src/wire/ptp/framing.js';
import { peerSet, startChronyd } from '../support/chronypair.js';
import { cleanUp, freePort, type Running, runProgram, startDaemon, TIMEBALLD } from '../support/daemon.js';
import { request } from '../support/packets.js';
import { requirePeer } from '../support/peers.js';
import { readRepo } from '../support/tree.js';

after(cleanUp);

const OURS = '127.0.0.31';
const THEIRS = '127.0.0.32';
const DOMAIN = 123;
const FAST = 'minpoll -2 maxpoll -2';

const startOurs = (lines: readonly string[]): Promise<Running> =>
  startDaemon([`bindaddress ${OURS}`, 'port 0', ...lines]);

/** What chronyc of that release says: an older one does not understand all of it. */
const ntpdata = async (daemon: Running, address: string): Promise<string> => {
  const args = ['-h', daemon.socket, '-n', 'ntpdata', address];
  return (await runProgram(peerSet('chrony-trixie').chronyc, args)).stdout;
};

/** Configurations of the guide, on addresses of this host: there is no network card here, and no time but our own. */
const guide = (title: string, port: number): string[] => {
  const blocks = [...readRepo('docs/guides/ptp-ntp-bridge.md').matchAll(/```conf\n([\s\S]*?)```/g)].map((m) => m[1]!);
  return blocks
    .find((text) => text.startsWith(`# NTP over PTP, ${title}\n`))!
    .split('\n')
    .filter((line) => !line.startsWith('#') && !line.startsWith('hwtimestamp'))
    .map((line) =>
      line.replaceAll('319', String(port)).replace('10.0.0.1 ', `${THEIRS} `).replace('10.0.0.0', '127.0.0.0'),
    );
};

const dataOf = (daemon: Running, address: string, good: number): Promise<string> =>
  daemon.until(`${good} good packets from ${address}`, async () => {
    const stdout = await ntpdata(daemon, address);
    return Number(/Total good RX +: (\d+)/.exec(stdout)?.[1] ?? 0) >= good ? stdout : undefined;
  });

const offsetOf = (data: string): number => Number(/Offset +: ([-+][\d.]+) seconds/.exec(data)![1]);

describe('NTP over PTP with chronyd 4.6', () => {
  const chronyd = peerSet('chrony-trixie').chronyd;

  it('serves it, interleaved, and it sees a good server', async (t) => {
    if (requirePeer(t, 'chronyd', 'chrony-trixie') === undefined) return;
    const port = await freePort();
    const ours = await startOurs([...guide('server', port), 'local stratum 3']);
    const theirs = await startChronyd(chronyd, [
      `bindaddress ${THEIRS}`,
      'port 0',
      `ptpport ${port}`,
      `server ${OURS} port ${port} ${FAST} xleave extfield F324`,
    ]);
    const data = await dataOf(theirs, OURS, 8);
    assert.match(data, /NTP tests +: 111 111 1111/);
    assert.match(data, /Interleaved +: Yes/);
    assert.match(data, new RegExp(`Remote port +: ${port}`));
    assert.ok(Math.abs(offsetOf(data)) < 1e-3, data);
    const { stdout } = await ours.chronyc('serverstats');
    assert.ok(Number(/Interleaved NTP packets +: (\d+)/.exec(stdout)?.[1]) > 0, stdout);
    t.diagnostic(`chronyd follows us: ${/Offset.*/.exec(data)?.[0]}`);
  });

  it('asks it, and is answered in the form that it knows', async (t) => {
    if (requirePeer(t, 'chronyd', 'chrony-trixie') === undefined) return;
    const port = await freePort();
    await startChronyd(chronyd, [`bindaddress ${THEIRS}`, 'port 0', `ptpport ${port}`, 'allow', 'local stratum 3']);
    const ours = await startOurs(guide('client', port).map((line) => line.replace('minpoll 0 maxpoll 0', FAST)));
    await ours.selected(THEIRS);
    const data = await dataOf(ours, THEIRS, 8);
    assert.match(data, /NTP tests +: 111 111 1111/);
    assert.match(data, /Interleaved +: Yes/);
    assert.match(data, /TX timestamping : Kernel/);
    assert.match(data, /RX timestamping : Kernel/);
    assert.ok(Math.abs(offsetOf(data)) < 1e-3, data);
    t.diagnostic(`we follow chronyd: ${/Offset.*/.exec(data)?.[0]}`);
  });

  it('asks it once, with -Q', async (t) => {
    if (requirePeer(t, 'chronyd', 'chrony-trixie') === undefined) return;
    const port = await freePort();
    await startChronyd(chronyd, [`bindaddress ${THEIRS}`, 'port 0', `ptpport ${port}`, 'allow', 'local stratum 3']);
    const lines = [`bindaddress ${OURS}`, `ptpport ${port}`, `server ${THEIRS} port ${port} iburst`, 'pidfile /'];
    const { code, text } = await runProgram(TIMEBALLD, ['-Q', '-U', '-f', '/dev/null', ...lines]);
    assert.match(text, /System clock wrong by [-+]?0\.000\d+ seconds/);
    assert.equal(code, 0, text);
  });

  it('hears nothing of another domain', async (t) => {
    if (requirePeer(t, 'chronyd', 'chrony-trixie') === undefined) return;
    const port = await freePort();
    const ours = await startOurs([`ptpport ${port}`, 'ptpdomain 7', 'allow', 'local stratum 3']);
    const theirs = await startChronyd(chronyd, [
      `bindaddress ${THEIRS}`,
      'port 0',
      `ptpport ${port}`,
      `server ${OURS} port ${port} ${FAST}`,
    ]);
    await theirs.until('some requests have left', async () => {
      const stdout = await ntpdata(theirs, OURS);
      return Number(/Total TX +: (\d+)/.exec(stdout)?.[1] ?? 0) >= 5 ? true : undefined;
    });
    assert.match(await ntpdata(theirs, OURS), /Total RX +: 0\n/);
    const stats = await ours.chronyc('serverstats');
    assert.match(stats.stdout, /NTP packets received +: 0\n/);
  });
});

/** Sends a message to our PTP port; what comes back within `ms`. */
const exchange = (port: number, message: Uint8Array, ms = 300): Promise<Buffer | undefined> =>
  new Promise((resolve, reject) => {
    const socket = createSocket('udp4');
    const done = (reply: Buffer | undefined): void => {
      clearTimeout(timer);
      socket.close();
      resolve(reply);
    };
    const timer = setTimeout(() => done(undefined), ms);
    socket.on('message', done);
    socket.on('error', reject);
    socket.send(message, port, OURS);
  });

const messageOf = (framing: Framing, ntp: Uint8Array, domain = DOMAIN): Uint8Array => {
  const bytes = new Uint8Array(framing + ntp.length);
  putFraming(new DataView(bytes.buffer), 0, framing, ntp.length, domain, 1);
  bytes.set(ntp, framing);
  return bytes;
};

describe('datagrams at the PTP port', () => {
  it('are answered in the form that they came in, with what transparent clocks have added, and never by more', async () => {
    const port = await freePort();
    await startOurs([`ptpport ${port}`, 'allow', 'local stratum 3']);
    for (const framing of [FRAMING.EXPERIMENTAL, FRAMING.ORGANISATION]) {
      const tail = new Uint8Array(28);
      const type = framing === FRAMING.EXPERIMENTAL ? FIELD.CORRECTION_EXPERIMENTAL : FIELD.CORRECTION;
      putCorrection(new DataView(tail.buffer), 0, type, 0);
      const message = messageOf(framing, request({ tail }));
      // 1500 ns in units of 2^-16 ns.
      new DataView(message.buffer).setUint32(12, 1500 * 65536);
      const reply = await exchange(port, message);
      assert.ok(reply !== undefined, `no answer to framing ${framing}`);
      assert.equal(reply.length, message.length);
      const view = new DataView(reply.buffer, reply.byteOffset, reply.length);
      assert.equal(framingOf(view, 0, reply.length, DOMAIN), framing);
      assert.equal(correctionOf(view, 0), 0);
      assert.equal(reply[framing]! & 7, 4, 'a server answers');
      const value = framing + 48 + (framing === FRAMING.EXPERIMENTAL ? 8 : 4);
      assert.ok(Math.abs(view.getUint32(value + 4) / 2 ** 32 - 1500e-9) < 1e-9);
    }
  });

  it('get no answer without NTP inside, from another domain, or with a length that lies', async () => {
    const port = await freePort();
    await startOurs([`ptpport ${port}`, 'allow', 'local stratum 3']);
    const good = messageOf(FRAMING.ORGANISATION, request());
    const changed = (at: number, value: number): Uint8Array => good.map((b, i) => (i === at ? value : b));
    const bad: Record<string, Uint8Array> = {
      'plain NTP': request(),
      'another domain': messageOf(FRAMING.ORGANISATION, request(), 0),
      'a longer length': changed(3, good[3]! + 4),
      'another organisation': changed(53, 9),
      'a general message': changed(0, 0x0b),
      'PTP version 1': changed(1, 1),
      multicast: changed(6, 0),
      'a control message': messageOf(FRAMING.ORGANISATION, request({ mode: 6 })),
    };
    const answers = await Promise.all(Object.values(bad).map((message) => exchange(port, message)));
    for (const [i, name] of Object.keys(bad).entries()) assert.equal(answers[i], undefined, name);
    assert.ok((await exchange(port, good)) !== undefined, 'the judge can hear an answer');
  });
});
