/** The two servers, and ours in ways that we do not serve. */
import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { TIMEBALLD } from '../support/daemon.js';
import { request } from '../support/packets.js';
import { peer } from '../support/peers.js';
import { keyFileText } from './key.js';
import type { Lab } from './net.js';
import { inNamespace, stop } from './process.js';

const SERVER_CORE = '1';
const START_MS = 1500;

export type ServerName = 'timeball' | 'chronyd';
export interface Server {
  readonly port: string;
  readonly child: ChildProcess;
}
export type Servers = Record<ServerName, Server>;

export interface OurOptions {
  readonly port: string;
  readonly workers?: number;
  readonly control?: string;
  readonly bound?: boolean;
}

export const chronydPath = (): string => {
  const path = peer('chronyd');
  if (path === undefined) throw new Error('bench: chronyd is not installed (scripts/install-peers)');
  return path;
};

/** Rejects with the last words of a server that does not stay. */
const settled = async (child: ChildProcess, port: string): Promise<Server> => {
  let words = '';
  child.stdout!.resume();
  child.stderr!.on('data', (chunk: Buffer) => {
    words = chunk.toString();
  });
  await sleep(START_MS);
  if (child.exitCode !== null) throw new Error(`a server ended with ${child.exitCode}: ${words}`);
  return { port, child };
};

export const startOurs = (lab: Lab, o: OurOptions): Promise<Server> => {
  const script = join(dirname(fileURLToPath(import.meta.url)), 'server.js');
  const workers = String(o.workers ?? 1);
  const args = [script, o.bound ? lab.serverAddress : '', o.port, workers, o.control ?? 'plane'];
  return settled(inNamespace(lab.server, SERVER_CORE, [process.execPath, ...args]), o.port);
};

const chronydConf = (dir: string, port: string): string => {
  const conf = join(dir, 'chronyd.conf');
  const keys = join(dir, 'keys');
  writeFileSync(keys, keyFileText(), { mode: 0o600 });
  const rest = ['allow', 'local stratum 1', 'cmdport 0', 'bindcmdaddress /', `pidfile ${join(dir, `pid${port}`)}`];
  writeFileSync(conf, `${[`port ${port}`, `keyfile ${keys}`, ...rest].join('\n')}\n`);
  return conf;
};

const chronydArgs = (dir: string, port: string): string[] => ['-x', '-d', '-u', 'root', '-f', chronydConf(dir, port)];

/** Both run all the time; an idle one costs nothing, and changing over takes no start. */
export const startServers = async (lab: Lab, dir: string, bound: boolean): Promise<Servers> => {
  const chronyd = inNamespace(lab.server, SERVER_CORE, [chronydPath(), ...chronydArgs(dir, '124')]);
  const both = await Promise.allSettled([startOurs(lab, { port: '123', bound }), settled(chronyd, '124')]);
  const [ours, theirs] = both;
  if (ours.status === 'fulfilled' && theirs.status === 'fulfilled')
    return { timeball: ours.value, chronyd: theirs.value };
  for (const s of both) if (s.status === 'fulfilled') await stop(s.value.child);
  throw both.find((s) => s.status === 'rejected')!.reason;
};

/** ms from exec to the first reply of the whole daemon, on loopback. */
export const firstReplyMs = async (name: ServerName, dir: string, port: number): Promise<number> => {
  const conf = join(dir, 'first.conf');
  const ours = ['allow', 'local stratum 1', 'cmdport 0', 'bindcmdaddress /', `port ${port}`];
  writeFileSync(conf, `${[...ours, 'bindaddress 127.0.0.1', `pidfile ${join(dir, 'first.pid')}`].join('\n')}\n`);
  const socket = createSocket('udp4');
  const began = performance.now();
  const child =
    name === 'timeball'
      ? spawn(TIMEBALLD, ['-x', '-d', '-U', '-f', conf], { stdio: 'ignore' })
      : spawn(chronydPath(), ['-x', '-d', '-U', '-u', 'root', '-f', conf], { stdio: 'ignore' });
  try {
    return await new Promise<number>((resolve, reject) => {
      socket.once('message', () => resolve(performance.now() - began));
      socket.on('error', () => {});
      const asking = setInterval(() => {
        socket.send(request(), port, '127.0.0.1');
        if (performance.now() - began > 5000) reject(new Error(`${name} does not answer`));
      }, 2);
      socket.once('close', () => clearInterval(asking));
    });
  } finally {
    socket.close();
    await stop(child);
  }
};
