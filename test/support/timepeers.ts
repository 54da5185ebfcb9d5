/** Time daemons of others, each as client and server in a namespace and without the clock. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Running, testDir } from './daemon.js';
import { startPeer } from './unclocked.js';

/** Keys that chronyd, ntpsec and timeball read alike, but for the name of AES. */
export const keyLines = (aes: 'AES128' | 'AES-128'): string => `1 SHA1 5a3b1c7d5a3b1c7d5a3b1c7d5a3b1c7d5a3b1c7d
2 ${aes} 00112233445566778899aabbccddeeff
`;

/** For chronyd and timeball, where a key in hexadecimal says so. */
export const chronyKeys = (): string => keyLines('AES128').replace(/ (\w+)$/gm, ' HEX:$1');

/** ntpsec's ntpd; it listens everywhere on port 123. A known drift spares it a quarter of an hour of learning. */
export const startNtpsec = (ns: string, program: string, lines: readonly string[]): Running => {
  const dir = testDir();
  const at = (name: string): string => join(dir, name);
  writeFileSync(at('drift'), '0.000\n');
  writeFileSync(at('keys'), keyLines('AES-128'), { mode: 0o600 });
  const own = [
    `driftfile ${at('drift')}`,
    `keys ${at('keys')}`,
    'trustedkey 1 2',
    // What is built in limits how often a client may ask.
    'unrestrict default limited kod',
    'restrict 127.0.0.1',
    'disable kernel',
  ];
  writeFileSync(at('conf'), `${[...own, ...lines].join('\n')}\n`);
  const args = ['-n', '-c', at('conf'), '-l', at('log'), '-p', at('pid')];
  return startPeer(ns, program, args, { dir, logFile: at('log') });
};

/** openntpd. It takes itself for unsynchronised, and says so, as long as its clock does not obey. */
export const startOpenntpd = (ns: string, program: string, lines: readonly string[]): Running => {
  const dir = testDir();
  const config = join(dir, 'conf');
  writeFileSync(config, `${lines.join('\n')}\n`);
  return startPeer(ns, program, ['-d', '-v', '-f', config], { dir });
};

/** busybox's ntpd that asks, and never sets (`-w`). */
export const startBusyboxClient = (ns: string, program: string, server: string): Running =>
  startPeer(ns, program, ['-n', '-d', '-w', '-p', server]);

/** busybox's ntpd that serves the clock as it is. */
export const startBusyboxServer = (ns: string, program: string): Running =>
  startPeer(ns, program, ['-n', '-d', '-d', '-d', '-l']);

/** systemd-timesyncd, which needs neither systemd nor a bus to ask servers. */
export const startTimesyncd = (ns: string, program: string, server: string): Running =>
  startPeer(ns, program, [], {
    etc: { 'systemd/timesyncd.conf': `[Time]\nNTP=${server}\nFallbackNTP=\nPollIntervalMinSec=16\n` },
    // As root it wants the capability that it must not have.
    nobody: true,
    env: { SYSTEMD_LOG_LEVEL: 'debug', SYSTEMD_LOG_TARGET: 'console' },
  });
