/**
 * Network namespaces joined by virtual Ethernet, made and removed by the tests: nobody outside hears a packet. Needs
 * root and iproute2.
 */
import { execFileSync } from 'node:child_process';
import type { TestContext } from 'node:test';
import { peersRequired } from './peers.js';

/** Runs `ip` with these words. Throws with what it said. */
export const ip = (...words: string[]): void => {
  execFileSync('ip', words, { stdio: ['ignore', 'ignore', 'pipe'] });
};

export const addNamespace = (ns: string): void => {
  ip('netns', 'add', ns);
  ip('-n', ns, 'link', 'set', 'lo', 'up');
};

export const removeNamespace = (ns: string): void => {
  try {
    ip('netns', 'del', ns);
  } catch {
    // It was never made.
  }
};

/** One end of a link: the namespace it stands in and its name there. */
export interface End {
  readonly ns: string;
  readonly link: string;
}

export const join = (a: End, b: End): void => {
  ip('link', 'add', a.link, 'netns', a.ns, 'type', 'veth', 'peer', 'name', b.link, 'netns', b.ns);
  for (const { ns, link } of [a, b]) ip('-n', ns, 'link', 'set', link, 'up');
};

/** A program and arguments as seen from inside a namespace. */
export const inside = (ns: string, words: readonly string[]): string[] => ['ip', 'netns', 'exec', ns, ...words];

/** A host at the end of a link of its own to the hub. */
export interface Spoke extends End {
  /** The hub's end. */
  readonly hub: End;
  /** Its `i`th address (0…3), and the hub's on the same link. */
  address4(i?: number): string;
  address6(i?: number): string;
  readonly hub4: string;
  readonly hub6: string;
}

/** A hub that forwards, and hosts around it, each on a link and in networks of its own. */
export interface Star {
  readonly hub: string;
  readonly spokes: readonly Spoke[];
  close(): void;
}

/** Addresses of each host, per family. */
const ADDRESSES = 4;

const spokeOf = (id: string, k: number): Spoke => ({
  ns: `tb${id}s${k}`,
  link: 'net',
  hub: { ns: `tb${id}hub`, link: `net${k}` },
  address4: (i = 0) => `10.77.${k + 1}.${2 + i}`,
  address6: (i = 0) => `fd77:0:0:${k + 1}::${2 + i}`,
  hub4: `10.77.${k + 1}.1`,
  hub6: `fd77:0:0:${k + 1}::1`,
});

export const addAddress = ({ ns, link }: End, address: string): void => {
  const [length, words] = address.includes(':') ? ['64', ['nodad']] : ['24', []];
  ip('-n', ns, 'addr', 'add', `${address}/${length}`, 'dev', link, ...words);
};

/** What a link loses when it goes down: addresses of IPv6, and routes. */
export const setUpSpoke = (spoke: Spoke): void => {
  for (let i = 0; i < ADDRESSES; i++) addAddress(spoke, spoke.address6(i));
  ip('-n', spoke.ns, 'route', 'add', 'default', 'via', spoke.hub4);
  ip('-n', spoke.ns, '-6', 'route', 'add', 'default', 'via', spoke.hub6);
};

/** Sets files below /proc/sys/net of a namespace. */
const sysctl = (ns: string, values: Readonly<Record<string, number>>): void => {
  const lines = Object.entries(values).map(([file, value]) => `echo ${value} > /proc/sys/net/${file}`);
  ip('netns', 'exec', ns, 'sh', '-c', lines.join(' && '));
};

/** A new host. Its IPv6 addresses need not wait to see whether somebody else has them. */
const addHost = (ns: string, forwards: boolean): void => {
  addNamespace(ns);
  sysctl(ns, { 'ipv6/conf/all/accept_dad': 0, 'ipv6/conf/default/accept_dad': 0 });
  if (forwards) sysctl(ns, { 'ipv4/ip_forward': 1, 'ipv6/conf/all/forwarding': 1 });
};

/** Throws where namespaces cannot be made. */
export const openStar = (count: number): Star => {
  const id = `${process.pid % 100_000}`;
  const spokes = Array.from({ length: count }, (_, k) => spokeOf(id, k));
  const hub = `tb${id}hub`;
  const close = (): void => {
    for (const ns of [hub, ...spokes.map((s) => s.ns)]) removeNamespace(ns);
  };
  try {
    addHost(hub, true);
    for (const spoke of spokes) {
      addHost(spoke.ns, false);
      join(spoke.hub, spoke);
      for (const address of [spoke.hub4, spoke.hub6]) addAddress(spoke.hub, address);
      for (let i = 0; i < ADDRESSES; i++) addAddress(spoke, spoke.address4(i));
      setUpSpoke(spoke);
    }
  } catch (error) {
    close();
    throw error;
  }
  return { hub, spokes, close };
};

/** Skips a test by name for want of namespaces, or fails it where peers are required. */
export const withoutNamespaces = (t: TestContext, reason: unknown): void => {
  if (peersRequired()) throw reason;
  t.skip(`no network namespaces here: ${String((reason as Error).message).split('\n')[0]}`);
};
