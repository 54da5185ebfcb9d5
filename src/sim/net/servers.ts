import { fromNtp64, type Ntp64, toNtp64 } from '../../base/ntp64.js';
import type { Prng } from '../../base/prng.js';
import { refidFromText } from '../../base/refid.js';
import { add, type Instant } from '../../base/time.js';
import type { Leap, Seconds } from '../../base/units.js';
import { isZero, type NtpPacket, sameStamp } from '../../wire/ntp/packet.js';
import type { Host } from '../host.js';
import type { TrueTime } from '../queue.js';
import { type RequestEffect, requestOf, serverReply, tellReply, tellSent, type Upstream } from './upstream.js';

/** The way to a server and back. Queues are exponential; all values may be changed while the world lives. */
export interface Path {
  /** Shortest delay, s, each way. */
  baseUp: Seconds;
  baseDown: Seconds;
  /** Mean waits in queues. */
  waitUp: Seconds;
  waitDown: Seconds;
  /** Shares of packets, each way. */
  loss: number;
  duplicates: number;
  /** Share of packets that are held up by `heldFor` on top: replies then overtake one another. */
  held: number;
  heldFor: Seconds;
}

/** A LAN with a busier way up: the one of the discipline bench. */
export const LAN_PATH: Path = {
  baseUp: 100e-6,
  baseDown: 100e-6,
  waitUp: 50e-6,
  waitDown: 20e-6,
  loss: 0,
  duplicates: 0,
  held: 0,
  heldFor: 0,
};

/** Delays of the copies of a packet that come through, one way. */
export const copies = (rng: Prng, path: Path, base: Seconds, wait: Seconds): Seconds[] => {
  if (rng.uniform() < path.loss) return [];
  const one = (): Seconds => base + wait * rng.exponential() + (rng.uniform() < path.held ? path.heldFor : 0);
  return rng.uniform() < path.duplicates ? [one(), one()] : [one()];
};

/** What a server is and does; may be changed while the world lives. */
export interface ServerModel {
  readonly address: string;
  readonly path: Path;
  silent: boolean;
  /** Its clock minus true time, s, and the rate at which that grows. */
  offset: Seconds;
  drift: number;
  stratum: number;
  leap: Leap;
  /** What it says of its own distance, s. */
  rootDelay: Seconds;
  rootDispersion: Seconds;
  /** Text of the kiss that it answers everything with; '' = none. */
  kiss: string;
  /** s from the departure that its replies tell to the true one: the stamp is read before they are made and sent. */
  lead: Seconds;
  /** Does it tell the true one in interleaved replies? */
  interleaves: boolean;
  /** A stranger answers as well, with a wrong origin, `spoof` s off, before the server does. */
  spoof: Seconds;
  requests: number;
}

export const serverModel = (
  address: string,
  change: Partial<Omit<ServerModel, 'address' | 'path'>> = {},
  path: Partial<Path> = {},
): ServerModel => ({
  address,
  path: { ...LAN_PATH, ...path },
  silent: false,
  offset: 0,
  drift: 0,
  stratum: 1,
  leap: 0,
  rootDelay: 0,
  rootDispersion: 1e-6,
  kiss: '',
  lead: 0,
  interleaves: false,
  spoof: 0,
  requests: 0,
  ...change,
});

/** NTP servers behind networks of their own, from one seed. Twin of devices/ntpclient and devices/resolver. */
export class SimServers implements Upstream {
  private host!: Host;
  private readonly byAddress: ReadonlyMap<string, ServerModel>;
  /** Of each server's last reply: its receive stamp, and when it truly left by the server's clock. */
  private readonly departures = new Map<string, { readonly receive: Ntp64; readonly departed: Instant }>();

  /** `origin`: true UTC at t = 0. `names`: what host names stand for, changeable. */
  constructor(
    readonly servers: readonly ServerModel[],
    private readonly rng: Prng,
    private readonly origin: Instant,
    readonly names: Map<string, readonly string[]> = new Map(),
  ) {
    this.byAddress = new Map(servers.map((s) => [s.address, s]));
  }

  start(host: Host): void {
    this.host = host;
  }

  resolve(name: string): void {
    const addresses = this.names.get(name) ?? [];
    const { host } = this;
    host.at(host.t + 5e-3, { run: () => host.post({ kind: 'ntp-resolved', name, addresses }) });
  }

  request(effect: RequestEffect): void {
    const { host, rng } = this;
    tellSent(host, effect, host.t);
    const server = this.byAddress.get(effect.address);
    if (server === undefined) return;
    server.requests++;
    if (server.silent) return;
    const { path } = server;
    const request = requestOf(effect);
    if (server.spoof !== 0) this.spoof(effect, request, server);
    for (const up of copies(rng, path, path.baseUp, path.waitUp)) {
      const arrives = host.t + up;
      const reply = this.reply(server, request, arrives);
      for (const down of copies(rng, path, path.baseDown, path.waitDown)) {
        host.at(arrives + RESPONSE + server.lead + down, { run: () => tellReply(host, effect.source, reply) });
      }
    }
  }

  private reply(server: ServerModel, request: NtpPacket, arrives: TrueTime): NtpPacket {
    const clock = (t: TrueTime): Instant => add(this.origin, t + server.offset + server.drift * t);
    const plain = serverReply(request, clock(arrives), clock(arrives + RESPONSE));
    const honest = server.interleaves ? this.interleaved(server, request, plain) : plain;
    if (server.kiss !== '') return { ...honest, leap: 3, stratum: 0, refId: refidFromText(server.kiss) };
    const { stratum, leap, rootDelay, rootDispersion } = server;
    return { ...honest, stratum, leap, rootDelay, rootDispersion };
  }

  /** RFC 9769, 2: who shows the receive stamp of the reply before is told when that one left. */
  private interleaved(server: ServerModel, request: NtpPacket, plain: NtpPacket): NtpPacket {
    const before = this.departures.get(server.address);
    const { receive, transmit } = plain;
    const departed = add(fromNtp64(transmit.hi, transmit.lo)!, server.lead);
    this.departures.set(server.address, { receive, departed });
    if (before === undefined || isZero(request.origin) || !sameStamp(before.receive, request.origin)) return plain;
    return { ...plain, origin: request.receive, transmit: toNtp64(before.departed) };
  }

  private spoof(effect: RequestEffect, request: NtpPacket, server: ServerModel): void {
    const { host, rng } = this;
    const at = add(this.origin, host.t + server.spoof);
    const forged = { ...serverReply(request, at, at), origin: { hi: rng.u32(), lo: rng.u32() } };
    host.at(host.t + server.path.baseUp / 2, { run: () => tellReply(host, effect.source, forged) });
  }
}

/** s between receiving and answering. */
const RESPONSE: Seconds = 20e-6;
