/**
 * What our client puts on the wire, as tshark takes it apart: nothing that tells about the clock, another port for each
 * request, interleaved fields that belong together. In network namespaces; nobody's clock is moved.
 */
import assert from 'node:assert/strict';
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { startChronyd } from '../support/chronypair.js';
import { cleanUp, runProgram, startDaemon, testDir } from '../support/daemon.js';
import { inside, openStar, type Star, withoutNamespaces } from '../support/netlab.js';
import { peerEnv, requirePeer } from '../support/peers.js';
import { chronyKeys } from '../support/timepeers.js';

const FAST = 'iburst minpoll -1 maxpoll -1';
const SECONDS = 8;
const FIELDS = [
  ...[
    'frame.time_epoch',
    'ip.src',
    'ip.dst',
    'ipv6.src',
    'ipv6.dst',
    'udp.srcport',
    'udp.dstport',
    'udp.length',
    'ntp.flags',
  ],
  ...['ntp.stratum', 'ntp.ppoll', 'ntp.precision', 'ntp.rootdelay', 'ntp.rootdispersion', 'ntp.refid', 'ntp.keyid'],
  ...['_ws.malformed', 'udp.payload'],
] as const;

type Packet = Readonly<Record<(typeof FIELDS)[number], string>> & {
  /** 64 bits in hexadecimal. */
  readonly reference: string;
  readonly origin: string;
  readonly receive: string;
  readonly transmit: string;
};

let star: Star | undefined;

after(async () => {
  await cleanUp();
  star?.close();
});

const packetOf = (line: string): Packet => {
  const values = line.split('\t');
  const fields = Object.fromEntries(FIELDS.map((name, i) => [name, values[i] ?? '']));
  const stamp = (at: number): string => fields['udp.payload']!.slice(2 * at, 2 * at + 16);
  return { ...fields, reference: stamp(16), origin: stamp(24), receive: stamp(32), transmit: stamp(40) } as Packet;
};

/** Everything on port 123 of a link, for SECONDS. */
const capture = async (tshark: string, at: Star): Promise<Packet[]> => {
  const env = Object.entries(peerEnv(tshark)).filter(([key]) => key === 'LD_LIBRARY_PATH');
  const fields = FIELDS.flatMap((name) => ['-e', name]);
  const { hub } = at.spokes[0]!;
  const filter = ['-i', hub.link, '-f', 'udp port 123', '-a', `duration:${SECONDS}`, '-n', '-T', 'fields', ...fields];
  const [ip, ...words] = inside(at.hub, ['env', ...env.map(([k, v]) => `${k}=${v}`), tshark, ...filter]);
  const { stdout, stderr } = await runProgram(ip!, words, { ms: (SECONDS + 30) * 1000 });
  assert.match(stdout, /\t/, stderr);
  return stdout
    .trimEnd()
    .split('\n')
    .map((line) => packetOf(line));
};

const keyFile = (): string => {
  const path = join(testDir(), 'keys');
  writeFileSync(path, chronyKeys());
  chmodSync(path, 0o600);
  return path;
};

const ZERO = '0'.repeat(16);
const isRequest = (p: Packet): boolean => p['udp.dstport'] === '123';

describe('packets of our client', () => {
  it('tell nothing, come from ever new ports, and interleave as they should', async (t) => {
    const chronyd = requirePeer(t, 'chronyd', 'chrony');
    const tshark = requirePeer(t, 'tshark');
    if (chronyd === undefined || tshark === undefined) return;
    try {
      star = openStar(1);
    } catch (error) {
      return withoutNamespaces(t, error);
    }
    const [at] = star.spokes;
    const keys = `keyfile ${keyFile()}`;
    await startChronyd(chronyd, ['local stratum 1', 'allow', keys], at!.ns);
    const capturing = capture(tshark, star);
    await startDaemon(
      [
        'port 0',
        'authselectmode ignore',
        keys,
        `server ${at!.address4(0)} ${FAST}`,
        `server ${at!.address4(1)} ${FAST} xleave`,
        `server ${at!.address4(2)} ${FAST} key 2`,
        `server ${at!.address6(0)} ${FAST}`,
      ],
      { ns: star.hub },
    );
    const packets = await capturing;
    const requests = packets.filter(isRequest);
    assert.ok(requests.length >= 24, `${requests.length} requests`);
    for (const p of packets) assert.equal(p['_ws.malformed'], '');
    // RFC 9109: a port for each request.
    const ports = requests.map((p) => `${p['ip.dst']}${p['ipv6.dst']} ${p['udp.srcport']}`);
    assert.ok(new Set(ports).size >= ports.length - 1, ports.join('\n'));
    for (const p of requests) {
      assert.notEqual(p['udp.srcport'], '123');
      // Leap 0, version 4, mode 3; no stratum, no precision, no root, no reference.
      const told = [
        p['ntp.flags'],
        p['ntp.stratum'],
        Number(p['ntp.rootdelay']),
        Number(p['ntp.rootdispersion']),
        p.reference,
      ];
      assert.deepEqual(told, ['0x23', '0', 0, 0, ZERO]);
      assert.match(p['ntp.precision'], /^(32|0x20)$/);
      assert.match(p['ntp.ppoll'], /^(-1|255|0xff)$/);
    }
    // A transmit stamp that were a time would begin alike in all of them.
    const heads = new Set(requests.map((p) => p.transmit.slice(0, 4)));
    assert.ok(heads.size > requests.length / 2, [...heads].join(' '));
    const to = (address: string): Packet[] =>
      requests.filter((p) => p['ip.dst'] === address || p['ipv6.dst'] === address);
    for (const address of [at!.address4(0), at!.address4(1), at!.address4(2), at!.address6(0)]) {
      assert.ok(to(address).length >= 6, `${to(address).length} requests to ${address}`);
    }
    for (const address of [at!.address4(0), at!.address6(0)]) {
      for (const p of to(address)) assert.equal(p['udp.length'], '56');
      asksInPassing(packets, address);
    }
    for (const p of to(at!.address4(2))) {
      assert.deepEqual([p['ntp.keyid'].replace(/^0x/, ''), p['udp.length']], ['00000002', '76']);
    }
    interleaves(packets, at!.address4(1));
  });
});

/**
 * Without `xleave` requests tell nothing at all, but for one now and then that shows the server a stamp of its own, and is
 * told when that reply left; what it is known by is random.
 */
const asksInPassing = (packets: readonly Packet[], server: string): void => {
  let last: Packet | undefined;
  let questions = 0;
  for (const p of packets) {
    if (p['ip.src'] === server || p['ipv6.src'] === server) last = p;
    if (p['ip.dst'] !== server && p['ipv6.dst'] !== server) continue;
    if (p.origin === ZERO) {
      assert.equal(p.receive, ZERO);
      continue;
    }
    questions++;
    assert.equal(p.origin, last?.receive);
    assert.notEqual(p.receive.slice(0, 8), last?.receive.slice(0, 8));
  }
  assert.ok(questions >= 1 && questions <= 5, `${questions} questions to ${server}`);
};

/** Each request repeats the server's last receive stamp; each reply one of the request's own. */
const interleaves = (packets: readonly Packet[], server: string): void => {
  const both = packets.filter((p) => p['ip.dst'] === server || p['ip.src'] === server);
  let last: Packet | undefined;
  let request: Packet | undefined;
  let interleaved = 0;
  for (const p of both) {
    if (isRequest(p)) {
      assert.equal(p.origin, last?.receive ?? ZERO, 'origin of a request');
      assert.equal(p.receive === ZERO, last === undefined, 'receive stamp of a request');
      assert.notEqual(p.receive, p.transmit);
      request = p;
      continue;
    }
    assert.ok(request !== undefined);
    assert.ok(p.origin === request.transmit || p.origin === request.receive, 'origin of a reply');
    if (p.origin === request.receive) {
      interleaved++;
      // The stamp of a departure that is over: it lies between the last reply's arrival and this one's.
      assert.ok(last !== undefined && p.transmit > last.receive && p.transmit < p.receive, 'transmit stamp of a reply');
    }
    last = p;
  }
  assert.ok(interleaved >= 5, `${interleaved} interleaved replies`);
};
