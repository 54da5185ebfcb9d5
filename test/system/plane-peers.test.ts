/** Real clients measure our server on loopback. They run with -x or only ask: no clock is moved. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { peerEnv, requirePeer } from '../support/peers.js';
import { startTestPlane } from '../support/plane.js';

/** Packages' daemons want a user of their own, which a private prefix does not create. */
const user = userInfo().username;

interface Outcome {
  readonly code: number | null;
  readonly text: string;
}

/** Runs a program to its end (killed after `ms`), standard output and error together. */
const run = (path: string, args: readonly string[], ms: number): Promise<Outcome> =>
  new Promise((resolve, reject) => {
    const child = spawn(path, args, { stdio: ['ignore', 'pipe', 'pipe'], env: peerEnv(path) });
    let text = '';
    const keep = (chunk: Buffer): void => {
      text += chunk.toString();
    };
    child.stdout.on('data', keep);
    child.stderr.on('data', keep);
    const timer = globalThis.setTimeout(() => child.kill('SIGKILL'), ms);
    child.on('error', reject);
    child.on('close', (code) => {
      clearTimeout(timer);
      resolve({ code, text });
    });
  });

describe('packet plane and real clients', () => {
  it('chronyd -Q agrees with the clock it shares', async (t) => {
    const chronyd = requirePeer(t, 'chronyd');
    if (chronyd === undefined) return;
    const plane = await startTestPlane();
    try {
      const source = `server 127.0.0.1 port ${plane.ports[0]} iburst`;
      const { code, text } = await run(chronyd, ['-Q', '-t', '10', '-U', '-u', user, source, 'cmdport 0'], 15_000);
      const offset = /System clock wrong by (-?[\d.]+) seconds/.exec(text);
      assert.ok(offset !== null, text);
      assert.equal(code, 0);
      assert.ok(Math.abs(Number(offset[1])) < 2e-3, text);
    } finally {
      await plane.stop();
    }
  });

  it('chronyd interleaves with us, with kernel stamps', async (t) => {
    const chronyd = requirePeer(t, 'chronyd');
    const chronyc = requirePeer(t, 'chronyc');
    if (chronyd === undefined || chronyc === undefined) return;
    const plane = await startTestPlane();
    const dir = mkdtempSync(join(tmpdir(), 'timeball-plane-'));
    const conf = join(dir, 'client.conf');
    const socket = join(dir, 'client.sock');
    const lines = [
      `server 127.0.0.1 port ${plane.ports[0]} xleave iburst minpoll 0 maxpoll 0`,
      'port 0',
      'cmdport 0',
      `bindcmdaddress ${socket}`,
      `pidfile ${join(dir, 'client.pid')}`,
    ];
    writeFileSync(conf, `${lines.join('\n')}\n`);
    const client = spawn(chronyd, ['-x', '-d', '-U', '-u', user, '-f', conf], {
      stdio: 'ignore',
      env: peerEnv(chronyd),
    });
    try {
      let report = '';
      for (let i = 0; i < 60 && !/Interleaved\s+: Yes/.test(report); i++) {
        await setTimeout(250);
        report = (await run(chronyc, ['-h', socket, 'ntpdata'], 2000)).text;
      }
      assert.match(report, /Interleaved\s+: Yes/);
      assert.match(report, /Stratum\s+: 1\n/);
      assert.match(report, /Reference ID\s+: 50505300 \(PPS\)/);
      await setTimeout(3000);
      const stats = plane.serverStats();
      assert.ok(stats.ntpInterleavedHits >= 3, JSON.stringify(stats));
      assert.equal(stats.kernelTx, stats.ntpInterleavedHits, 'interleaved replies carry kernel stamps');
      assert.equal(stats.kernelRx, stats.ntpHits);
    } finally {
      client.kill('SIGTERM');
      await new Promise((resolve) => client.once('exit', resolve));
      rmSync(dir, { recursive: true, force: true });
      await plane.stop();
    }
  });

  it('ntpdig is served', async (t) => {
    const ntpdig = requirePeer(t, 'ntpdig');
    if (ntpdig === undefined) return;
    // ntpdig knows no other port than 123, but every address of 127/8 is ours to use.
    const plane = await startTestPlane({ sockets: [{ family: 4, address: '127.123.123.123', port: 123 }] }).catch(
      () => undefined,
    );
    if (plane === undefined) return t.skip('port 123 cannot be bound here');
    try {
      const { text } = await run(ntpdig, ['-t', '5', '127.123.123.123'], 10_000);
      assert.match(text, /127\.123\.123\.123 s1 no-leap/);
    } finally {
      await plane.stop();
    }
  });
});
