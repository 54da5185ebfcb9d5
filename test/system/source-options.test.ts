/**
 * Options of a source and commands on it, as the network sees them: ours and a real chronyd ask servers that write down
 * what comes in, with the same words, and must ask alike. Nobody's clock is moved.
 */
import assert from 'node:assert/strict';
import { createSocket, type Socket } from 'node:dgram';
import { after, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { peerSet, startChronyd } from '../support/chronypair.js';
import { cleanUp, freePort, type Running, runProgram, startDaemon } from '../support/daemon.js';
import { ip, openStar, type Spoke, type Star, setUpSpoke, withoutNamespaces } from '../support/netlab.js';
import { requirePeer } from '../support/peers.js';

const { chronyd, chronyc } = peerSet('chrony-trixie');
/** s between 1900 and 1970. */
const ERA = 2_208_988_800;
/** s that are watched. */
const WATCHED = 17;

/** What came in of one source. */
interface Seen {
  /** s since the first request. */
  readonly at: readonly number[];
  readonly versions: ReadonlySet<number>;
  readonly lengths: ReadonlySet<number>;
  /** Rows of reports. */
  readonly source: readonly string[];
  readonly samples: number;
}

interface Case {
  readonly words: string;
  readonly silent?: boolean;
  /** What must be the same for both. */
  readonly same: (seen: Seen) => unknown;
}

const gaps = ({ at }: Seen): number[] => at.slice(1).map((t, i) => t - at[i]!);
/** Which of 1, 2, 4 and 8 s is meant: chronyd waits until it has sent nothing else for 0.2 s. */
const near = (gap: number): number => [1, 2, 4, 8].findLast((s) => gap > s * 0.85) ?? 0;
/** chronyds that share the sources, for the same reason. */
const PARTS = 3;

const CASES: readonly Case[] = [
  { words: 'minpoll 2 maxpoll 2 presend 2', same: (s) => gaps(s).slice(0, 4).map(near) },
  { words: 'minpoll 3 maxpoll 3 iburst', same: (s) => gaps(s).slice(0, 4).map(near) },
  { words: 'minpoll 3 maxpoll 3 burst', same: (s) => gaps(s).slice(0, 1).map(near), silent: true },
  { words: 'minpoll 0 maxpoll 4', same: (s) => gaps(s).filter((gap) => near(gap) === 1).length, silent: true },
  { words: 'minpoll 3 maxpoll 3 version 3', same: (s) => [...s.versions] },
  { words: 'minpoll 3 maxpoll 3 extfield F323', same: (s) => [...s.lengths] },
  { words: 'minpoll 2 maxpoll 2 filter 3', same: (s) => [s.samples, s.source[5] !== '0'] },
  { words: 'minpoll 2 maxpoll 2 maxsamples 3', same: (s) => s.samples },
  { words: 'minpoll 2 maxpoll 2 maxdelay 1e-7', same: (s) => [s.samples, s.source[5] !== '0'] },
  { words: 'minpoll 2 maxpoll 2 offset 0.05 noselect', same: (s) => Number(s.source[7]).toFixed(2) },
  { words: 'minpoll 2 maxpoll 2 minstratum 6', same: (s) => s.source[3] },
  { words: 'minpoll 2 maxpoll 2 noselect', same: (s) => s.source[1] },
  { words: 'minpoll 2 maxpoll 2 offline', same: (s) => s.at.length },
];

const putStamp = (bytes: Buffer, at: number): void => {
  const ms = performance.timeOrigin + performance.now();
  bytes.writeUInt32BE(Math.floor(ms / 1000) + ERA, at);
  bytes.writeUInt32BE(Math.floor(((ms % 1000) / 1000) * 2 ** 32), at + 4);
};

const replyTo = (request: Buffer): Buffer => {
  const reply = Buffer.alloc(48);
  reply[0] = (request[0]! & 0x38) | 4;
  reply[1] = 1;
  reply[2] = request[2]!;
  reply[3] = 0xec;
  reply.writeUInt32BE(16, 8);
  reply.write('GPS', 12);
  request.copy(reply, 24, 40, 48);
  for (const at of [16, 32, 40]) putStamp(reply, at);
  return reply;
};

const addressOf = (i: number): string => `127.0.62.${i + 1}`;
const sockets: Socket[] = [];

interface Heard {
  readonly t: number;
  readonly bytes: Buffer;
}

/** Servers for one client; the lists of what they hear. */
const serve = async (port: number): Promise<Heard[][]> =>
  Promise.all(
    CASES.map(async ({ silent = false }, i) => {
      const heard: Heard[] = [];
      const socket = createSocket('udp4');
      sockets.push(socket);
      socket.on('message', (bytes, from) => {
        heard.push({ t: performance.now() / 1000, bytes });
        if (!silent) socket.send(replyTo(bytes), from.port, from.address);
      });
      await new Promise<void>((resolve, reject) => {
        socket.once('error', reject);
        socket.bind(port, addressOf(i), resolve);
      });
      return heard;
    }),
  );

const seenOf = (heard: readonly Heard[], source: readonly string[], stats: readonly string[]): Seen => ({
  at: heard.map(({ t }) => t),
  versions: new Set(heard.map(({ bytes }) => (bytes[0]! >> 3) & 7)),
  lengths: new Set(heard.map(({ bytes }) => bytes.length)),
  source,
  samples: Number(stats[1]),
});

const asked = async (daemon: Running, ...words: string[]): Promise<string> =>
  (await runProgram(chronyc, ['-h', daemon.socket, '-n', ...words])).stdout.trim();

let star: Star | undefined;

after(async () => {
  await cleanUp();
  star?.close();
  for (const socket of sockets.splice(0)) socket.close();
});

describe('options of sources', { concurrency: 2 }, () => {
  it('each has the effect that it has in chronyd', async (t) => {
    if (requirePeer(t, 'chronyd', 'chrony-trixie') === undefined) return;
    const started = [];
    for (const start of [startDaemon, (lines: string[]) => startChronyd(chronyd, lines)]) {
      const port = await freePort();
      const heard = await serve(port);
      const servers = CASES.map(({ words }, i) => `server ${addressOf(i)} port ${port} ${words}`);
      const parts = await Promise.all(
        Array.from({ length: PARTS }, (_, k) => start(['port 0', ...servers.filter((_, i) => i % PARTS === k)])),
      );
      started.push({ heard, parts });
    }
    await sleep(WATCHED * 1000);
    const seen = [];
    for (const { heard, parts } of started) {
      const all = async (report: string): Promise<string[][][]> => Promise.all(parts.map((d) => d.report(report)));
      const [sources, stats] = [await all('sources'), await all('sourcestats')];
      const of = (rows: string[][][], i: number): string[] => rows[i % PARTS]![Math.floor(i / PARTS)]!;
      seen.push(CASES.map((_, i) => seenOf(heard[i]!, of(sources, i), of(stats, i))));
    }
    const differences: string[] = [];
    for (const [i, { words, same }] of CASES.entries()) {
      const [ours, theirs] = seen.map((all) => JSON.stringify(same(all[i]!)));
      t.diagnostic(`${words}: ${ours}`);
      if (ours !== theirs) differences.push(`${words}: ours ${ours}, chronyd ${theirs}`);
    }
    assert.equal(differences.join('\n'), '');
    // A burst of two good ones for the source that is offline, and no more.
    const last = CASES.length - 1;
    for (const { parts, heard } of started) {
      const daemon = parts[last % PARTS]!;
      assert.equal(heard[last]!.length, 0);
      assert.equal(await asked(daemon, 'burst', '2/5', addressOf(last)), '200 OK');
      await daemon.until('two requests', () => (heard[last]!.length === 2 ? true : undefined));
      await daemon.until('offline again', async () =>
        /^0 sources doing burst \(return to offline/m.test(await asked(daemon, 'activity')) ? true : undefined,
      );
    }
    await sleep(2500);
    for (const { heard } of started) assert.equal(heard[last]!.length, 2);
  });

  it('auto_offline and onoffline follow the link', async (t) => {
    if (requirePeer(t, 'chronyd', 'chrony-trixie') === undefined) return;
    try {
      star = openStar(2);
    } catch (error) {
      return withoutNamespaces(t, error);
    }
    const [here, there] = star.spokes as [Spoke, Spoke];
    await startChronyd(chronyd, ['local stratum 1', 'allow'], there.ns);
    const lines = [
      'port 0',
      `server ${there.address4(0)} iburst minpoll 0 maxpoll 0 auto_offline`,
      `server ${there.address4(1)} iburst minpoll 0 maxpoll 0`,
    ];
    const both = [await startChronyd(chronyd, lines, here.ns), await startDaemon(lines, { ns: here.ns })];
    const activity = (online: number, offline: number): Promise<unknown> =>
      Promise.all(
        both.map((daemon) =>
          daemon.until(`${online} online, ${offline} offline`, async () => {
            const wanted = `^${online} sources online\n${offline} sources offline\n0 sources doing.*\n0 sources doing`;
            return new RegExp(wanted, 'm').test(await asked(daemon, 'activity')) ? true : undefined;
          }),
        ),
      );
    const command = async (...words: string[]): Promise<void> => {
      for (const daemon of both) assert.equal(await asked(daemon, ...words), '200 OK');
    };
    await activity(2, 0);
    ip('-n', here.ns, 'link', 'set', here.link, 'down');
    await activity(1, 1);
    await command('onoffline');
    await activity(0, 2);
    ip('-n', here.ns, 'link', 'set', here.link, 'up');
    setUpSpoke(here);
    await command('onoffline');
    await activity(2, 0);
    for (const daemon of both) {
      await daemon.until('both answer again', async () => {
        const rows = await daemon.report('sources');
        return rows.every((row) => (Number.parseInt(row[5]!, 8) & 3) === 3) ? true : undefined;
      });
    }
  });
});
