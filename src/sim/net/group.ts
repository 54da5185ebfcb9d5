import { parseIp } from '../../base/ip.js';
import type { Prng } from '../../base/prng.js';
import { REFID_LOCAL } from '../../base/refid.js';
import type { Seconds } from '../../base/units.js';
import { refIdOfAddress } from '../../core/ntp/client/refid.js';
import { type PeerNews, peerEvent } from '../../serve/peers.js';
import { NTP_PORT } from '../../wire/ntp/header.js';
import type { Host } from '../host.js';
import type { TrueTime } from '../queue.js';
import { World, type WorldSpec } from '../world.js';
import { SimPlane } from './plane.js';
import { copies, LAN_PATH, type Path, type SimServers } from './servers.js';
import { type Reply, TX_LATENCY } from './transport.js';
import { type PeerEffect, type RequestEffect, tellSent, type Upstream } from './upstream.js';

/** From the arrival in the kernel to the daemon's batch. */
const BATCH_LATENCY: Seconds = 20e-6;
const FIRST_PORT = 1024;
const LAST_PORT = 65535;

const octets = (address: string): readonly [number, number, number, number] => {
  const [a, b, c, d] = parseIp(address)!;
  return [a!, b!, c!, d!];
};

/** One daemon of a group. `outside`: servers that it may ask besides the others. */
export interface MemberSpec {
  readonly address: string;
  readonly world: Omit<WorldSpec, 'upstream' | 'network'>;
  readonly outside?: SimServers;
}

/** Whose time a daemon serves. */
export type Follows = 'nobody' | 'itself' | 'outside' | Member;

interface Asked {
  readonly from: Member;
  readonly source: number;
}

/** A whole daemon, client and packet plane, on a network with others like it. */
export class Member implements Upstream {
  readonly address: string;
  readonly refId: number;
  readonly world: World;
  /** False: the machine is off for good. */
  alive = true;
  private host!: Host;
  private plane!: SimPlane;
  private port = FIRST_PORT;
  private readonly asked = new Map<number, Asked>();

  constructor(
    private readonly group: Group,
    private readonly spec: MemberSpec,
    private readonly rng: Prng,
  ) {
    this.address = spec.address;
    this.refId = refIdOfAddress(spec.address);
    const publish = { after: () => this.world.state !== undefined && this.plane.publish(this.world.state) };
    this.world = new World({ ...spec.world, upstream: this }, [publish]);
  }

  start(host: Host): void {
    this.host = host;
    // Not inside the handling of the event that sends.
    const onPeer = (news: PeerNews): void => host.at(host.t, { run: () => host.post(peerEvent(news)) });
    const address = octets(this.address);
    this.plane = new SimPlane(host.clock, this.rng, (reply) => this.replied(reply), { address, onPeer });
    this.spec.outside?.start(host);
  }

  request(effect: RequestEffect): void {
    const target = this.group.find(effect.address);
    if (target === undefined) {
      this.spec.outside?.request(effect);
      return;
    }
    const { host, rng } = this;
    const { path } = this.group;
    tellSent(host, effect, host.t);
    for (const up of copies(rng, path, path.baseUp, path.waitUp)) target.arrive(this, effect, host.t + up);
  }

  resolve(name: string): void {
    this.spec.outside?.resolve(name);
  }

  peer(effect: PeerEffect): void {
    if (effect.kind === 'ntp-peers') this.plane.setPeers(effect.peers);
    else this.plane.sendPeer({ ...effect, broadcast: false });
  }

  /** A request of another member comes in at `t`. */
  private arrive(from: Member, effect: RequestEffect, t: TrueTime): void {
    const run = (): void => {
      if (!this.group.linked(this, from)) return;
      const port = this.nextPort();
      this.asked.set(port, { from, source: effect.source });
      this.plane.arrive(effect.bytes, octets(from.address), port);
      this.host.at(this.host.t + BATCH_LATENCY, { run: () => this.plane.serve() });
    };
    this.host.at(t, { run });
  }

  private replied({ bytes, port, address }: Reply): void {
    const asked = this.asked.get(port);
    if (asked === undefined) {
      if (port === NTP_PORT) this.toPeer(address, bytes);
      return;
    }
    this.asked.delete(port);
    const { path } = this.group;
    for (const down of copies(this.rng, path, path.baseDown, path.waitDown)) {
      asked.from.receive(this, asked.source, bytes, this.host.t + TX_LATENCY + down);
    }
  }

  private toPeer(address: string, bytes: Uint8Array): void {
    const target = this.group.find(address);
    if (target === undefined) return;
    const { path } = this.group;
    for (const up of copies(this.rng, path, path.baseUp, path.waitUp)) {
      const run = (): void => {
        if (!this.group.linked(this, target)) return;
        target.plane.arrive(bytes, octets(this.address), NTP_PORT);
        target.host.at(target.host.t + BATCH_LATENCY, { run: () => target.plane.serve() });
      };
      target.host.at(this.host.t + TX_LATENCY + up, { run });
    }
  }

  private receive(from: Member, source: number, bytes: Uint8Array, t: TrueTime): void {
    const { host, address: local } = this;
    const run = (): void => {
      if (!this.group.linked(this, from)) return;
      const time = host.clock.realtime();
      host.post({ kind: 'ntp-reply', source, bytes, time, stamp: 'kernel', authentic: false, local });
    };
    host.at(t, { run });
  }

  /** Requests that were not answered free their port when it comes round again. */
  private nextPort(): number {
    this.port = this.port >= LAST_PORT ? FIRST_PORT : this.port + 1;
    return this.port;
  }

  /** As its own clients see it, by the reference id. */
  get follows(): Follows {
    const { state } = this.world;
    if (state === undefined || state.leap === 3 || state.stratum === 0 || state.stratum > 15) return 'nobody';
    if (state.refId === REFID_LOCAL) return 'itself';
    return this.group.members.find((m) => m.refId === state.refId) ?? 'outside';
  }
}

/** Daemons on one network, each with its own clock, in one virtual time. Links may be cut and machines switched off. */
export class Group {
  readonly members: readonly Member[];
  readonly path: Path;
  private readonly byAddress: ReadonlyMap<string, Member>;
  /** Which part of a torn network a member is in; undefined = it is whole. */
  private parts: ((address: string) => number) | undefined;

  constructor(specs: readonly MemberSpec[], rng: Prng, path: Partial<Path> = {}) {
    this.path = { ...LAN_PATH, ...path };
    this.members = specs.map((spec) => new Member(this, spec, rng.fork(spec.address)));
    this.byAddress = new Map(this.members.map((m) => [m.address, m]));
  }

  find(address: string): Member | undefined {
    return this.byAddress.get(address);
  }

  linked(a: Member, b: Member): boolean {
    if (!a.alive || !b.alive) return false;
    return this.parts === undefined || this.parts(a.address) === this.parts(b.address);
  }

  /** Tears the network into parts; undefined mends it. */
  tear(parts: ((address: string) => number) | undefined): void {
    this.parts = parts;
  }

  /** Lets everybody live until true time t. The one with the earliest event goes first, so no packet comes too late. */
  run(until: TrueTime): void {
    for (;;) {
      let first: World | undefined;
      for (const { world, alive } of this.members) {
        if (alive && world.exited === undefined && (first === undefined || world.nextAt < first.nextAt)) first = world;
      }
      if (first === undefined || first.nextAt > until) return;
      first.run(first.nextAt);
    }
  }
}
