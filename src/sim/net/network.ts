import type { Prng } from '../../base/prng.js';
import { add } from '../../base/time.js';
import type { Seconds } from '../../base/units.js';
import type { ServerState } from '../../core/ntp/state.js';
import { errorFigures, Series } from '../figures.js';
import type { Host, Twin } from '../host.js';
import type { TrueTime } from '../queue.js';
import { type Exchange, oddRequest, SimNtpClient } from './client.js';
import { SimPlane } from './plane.js';
import { addressText, type Reply, TX_LATENCY } from './transport.js';

export interface NetworkModel {
  /** Clients of each kind; basic and interleaved ones ask every `interval` seconds. */
  readonly basic: number;
  readonly interleaved: number;
  readonly interval: Seconds;
  /** Odd and broken requests a second. */
  readonly odd: number;
  /** Mean of the exponential delay each way on top of 100 µs. */
  readonly jitter: Seconds;
  /** False: departures in basic replies are not corrected by the latency of sending. */
  readonly lateTruth?: boolean;
}

export interface NetworkFigures {
  readonly requests: number;
  readonly replies: number;
  readonly basic: number;
  readonly interleaved: number;
  /** Of synchronised exchanges. */
  readonly rxRms: Seconds;
  readonly basicTxRms: Seconds;
  readonly interleavedTxRms: Seconds;
}

interface Peer {
  readonly client: SimNtpClient | undefined;
  readonly address: readonly [number, number, number, number];
  readonly port: number;
  readonly interval: Seconds;
  /** Of the request under way: bytes, and replies it got. */
  asked: number;
  answers: number;
}

/** From the arrival in the kernel to the daemon's batch. */
const BATCH_LATENCY: Seconds = 20e-6;
const BASE_DELAY: Seconds = 100e-6;
/** Nanoseconds lost in conversions and fuzz, beyond the bits below the precision. */
const GRAIN: Seconds = 1e-6;

/** The packet plane as it ships, on a virtual network, with clients that know true time. */
export class SimNetwork implements Twin {
  /** What must never happen: more than one reply, a longer reply, stamps outside the advertised distance. */
  readonly findings: { readonly at: TrueTime; readonly text: string }[] = [];
  private readonly peers = new Map<string, Peer>();
  private readonly rx = new Series();
  private readonly basicTx = new Series();
  private readonly interleavedTx = new Series();
  private readonly counts = { requests: 0, replies: 0, basic: 0, interleaved: 0 };
  private host!: Host;
  private plane!: SimPlane;
  private precision: Seconds = 0;
  private now: TrueTime = 0;

  constructor(
    private readonly rng: Prng,
    private readonly model: NetworkModel,
  ) {}

  start(host: Host): void {
    this.host = host;
    const lateTruth = this.model.lateTruth !== false;
    this.plane = new SimPlane(host.clock, this.rng, (reply) => this.replied(reply), { lateTruth });
    const { basic, interleaved, odd, interval } = this.model;
    for (let i = 0; i < basic + interleaved; i++) {
      this.join(new SimNtpClient(i >= basic, this.rng.fork(`client ${i}`)), i, interval);
    }
    if (odd > 0) this.join(undefined, 250, 1 / odd);
  }

  /** What the engine tells the plane. */
  publish(state: ServerState): void {
    this.precision = 2 ** state.precision;
    this.plane.publish(state);
  }

  get figures(): NetworkFigures {
    const rms = (series: Series): Seconds => errorFigures(series.values).rms;
    return {
      ...this.counts,
      rxRms: rms(this.rx),
      basicTxRms: rms(this.basicTx),
      interleavedTxRms: rms(this.interleavedTx),
    };
  }

  private join(client: SimNtpClient | undefined, index: number, interval: Seconds): void {
    const address = [10, 0, 0, 1 + index] as const;
    const peer: Peer = { client, address, port: 40_000 + index, interval, asked: 0, answers: 0 };
    this.peers.set(addressText(address), peer);
    this.host.at(interval * (1 + this.rng.uniform()), { run: (t) => this.ask(peer, t) });
  }

  private delay(): Seconds {
    return BASE_DELAY + this.model.jitter * this.rng.exponential();
  }

  private ask(peer: Peer, t: TrueTime): void {
    const { host, rng } = this;
    const bytes = peer.client?.request() ?? oddRequest(rng, add(host.timeline.start, t));
    peer.asked = bytes.length;
    peer.answers = 0;
    this.counts.requests++;
    host.at(t + this.delay(), { run: (u) => this.arrive(peer, bytes, u) });
    host.at(t + peer.interval, { run: (u) => this.ask(peer, u) });
  }

  private arrive(peer: Peer, bytes: Uint8Array, t: TrueTime): void {
    const { host } = this;
    peer.client?.arrived(add(host.timeline.start, t + host.timeline.leapOffset(t)));
    this.plane.arrive(bytes, peer.address, peer.port);
    host.at(t + BATCH_LATENCY, {
      run: (u) => {
        this.now = u;
        this.plane.serve();
      },
    });
  }

  /** Called by the transport at the moment of sending. */
  private replied(reply: Reply): void {
    const peer = this.peers.get(reply.address);
    this.counts.replies++;
    if (peer === undefined || peer.port !== reply.port) {
      this.found(`a reply to ${reply.address}:${reply.port}, which never asked`);
      return;
    }
    if (++peer.answers > 1) this.found('a second reply to one request');
    if (reply.bytes.length > peer.asked) this.found(`${reply.bytes.length} bytes answer ${peer.asked}`);
    const { timeline } = this.host;
    const left = this.now + TX_LATENCY;
    const exchange = peer.client?.reply(reply.bytes, add(timeline.start, left + timeline.leapOffset(left)));
    if (exchange !== undefined) this.judge(exchange);
  }

  private judge(e: Exchange): void {
    this.counts[e.interleaved ? 'interleaved' : 'basic']++;
    if (e.leap === 3 || e.stratum === 0 || e.stratum > 15) return;
    this.rx.push(e.rxError);
    (e.interleaved ? this.interleavedTx : this.basicTx).push(e.txError);
    const allowed = e.distance + this.precision + GRAIN;
    const worst = Math.max(Math.abs(e.rxError), Math.abs(e.txError));
    if (worst > allowed)
      this.found(`a stamp off by ${worst.toExponential(3)} s, ${allowed.toExponential(3)} s advertised`);
  }

  private found(text: string): void {
    if (this.findings.length < 1000) this.findings.push({ at: this.now, text });
  }
}
