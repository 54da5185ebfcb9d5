import { createSocket } from 'node:dgram';
import type { Config } from '../../conf/config.js';
import type { PeerEntry } from '../../core/ntp/peerdesk.js';
import type { Native } from '../../devices/native.js';
import { type ClientHardware, NtpClientDevice } from '../../devices/ntpclient.js';
import { SystemResolver } from '../../devices/resolver.js';
import type { Effect, NtpEvent } from '../../engine/events.js';
import { type PeerNews, type PeerPacket, peerEvent } from '../../serve/peers.js';
import { PtpAsking } from '../../serve/ptpasking.js';
import { NTP_PORT } from '../../wire/ntp/header.js';
import type { Keys } from './keys.js';
import type { NtpServer } from './server.js';

/** What the engine wants of the network. */
export type NtpEffect = Extract<
  Effect,
  { kind: 'ntp-send' | 'ntp-close' | 'ntp-resolve' | 'ntp-peer-send' | 'ntp-peers' | 'ntp-broadcast' }
>;

/** Where packets leave from the server's own port. */
export type PeerSide = Pick<NtpServer, 'setPeers' | 'sendPeer'>;

/** Carries the engine's requests to the network and what comes back to the engine. Sockets open with the first request. */
export class NtpClient {
  private device: NtpClientDevice | undefined;
  private readonly resolver: SystemResolver;
  private readonly ptp: PtpAsking;
  private peers: readonly PeerEntry[] = [];
  private stopped = false;

  constructor(
    private readonly config: Config,
    private readonly native: Native,
    private readonly keys: Keys,
    families: readonly (4 | 6)[],
    private readonly server: PeerSide,
    private readonly dispatch: (event: NtpEvent) => void,
    private readonly hardware?: ClientHardware,
  ) {
    this.resolver = new SystemResolver(families);
    this.ptp = new PtpAsking(config.hardware.ptpport);
  }

  apply(effect: NtpEffect): void {
    if (this.stopped) return;
    switch (effect.kind) {
      case 'ntp-send':
        if (this.ptp.concerns(effect.port)) {
          this.askInPtp(effect);
          return;
        }
        this.device ??= this.open();
        this.device.send(effect);
        return;
      case 'ntp-close':
        this.device?.close(effect.source);
        if (this.ptp.forget(effect.source)) this.tellPeers();
        return;
      case 'ntp-resolve':
        void this.resolve(effect.name, effect.family);
        return;
      case 'ntp-peers':
        this.peers = effect.peers;
        this.tellPeers();
        return;
      case 'ntp-peer-send':
        this.sendPeer(effect);
        return;
      case 'ntp-broadcast': {
        const { kind: _, ...packet } = effect;
        this.server.sendPeer({ ...packet, ...EVERYBODY });
      }
    }
  }

  /** What the server's port tells of peers. */
  heard(news: PeerNews): void {
    if (this.stopped) return;
    if (news.kind === 'packet' && news.framing !== undefined) this.ptp.heard(news.source, news.framing);
    this.dispatch(peerEvent(news));
  }

  private tellPeers(): void {
    this.server.setPeers([...this.peers, ...this.ptp.entries()]);
  }

  /** Requests inside PTP messages leave by the port that such requests come to (chrony's too: both ends use it). */
  private askInPtp(effect: Extract<NtpEffect, { kind: 'ntp-send' }>): void {
    const { framing, isNew } = this.ptp.toServer(effect);
    if (isNew) this.tellPeers();
    const { kind: _, ...packet } = effect;
    const plain = { stamp: false, correction: 0, local: undefined, broadcast: false };
    this.sendFromServer({ ...packet, ...plain, framing });
  }

  private sendPeer(effect: Extract<NtpEffect, { kind: 'ntp-peer-send' }>): void {
    const { kind: _, ...packet } = effect;
    const framing = this.ptp.concerns(effect.port) ? this.ptp.toPeer(effect.source) : undefined;
    this.sendFromServer({ ...packet, broadcast: false, framing });
  }

  private sendFromServer(packet: Omit<PeerPacket, 'epoch'>): void {
    if (this.server.sendPeer(packet)) return;
    const { source, serial } = packet;
    const reason = 'the NTP port is not open';
    setImmediate(() => this.dispatch({ kind: 'ntp-failed', source, serial, reason }));
  }

  /** Which of these addresses there is a route to. Nothing is sent: connecting a UDP socket only looks the route up. */
  async routes(addresses: readonly string[]): Promise<ReadonlyMap<string, boolean>> {
    const found = await Promise.all(addresses.map(async (a) => [a, await hasRoute(a)] as const));
    return new Map(found);
  }

  stop(): void {
    this.stopped = true;
    this.device?.stop();
  }

  private async resolve(name: string, family: 4 | 6 | undefined): Promise<void> {
    const addresses = await this.resolver.resolve(name, family);
    this.dispatch({ kind: 'ntp-resolved', name, addresses });
  }

  private open(): NtpClientDevice {
    const { client, server } = this.config;
    const options = {
      port: client.acquisitionport === 0 ? undefined : client.acquisitionport,
      address4: client.bindacqaddress4,
      address6: client.bindacqaddress6,
      device: client.bindacqdevice,
      dscp: server.dscp,
      key: (id: number) => this.keys.list.find((key) => key.id === id),
      hardware: this.hardware,
    };
    const { dispatch } = this;
    return new NtpClientDevice(this.native, options, {
      onSent: (source, serial, time, stamp) => dispatch({ kind: 'ntp-sent', source, serial, time, stamp }),
      onReply: (reply) => dispatch({ kind: 'ntp-reply', ...reply }),
      // Not inside the handling of the event that asked for it.
      onFailed: (source, serial, reason) =>
        setImmediate(() => dispatch({ kind: 'ntp-failed', source, serial, reason })),
    });
  }
}

/** Of a packet that answers nobody. */
const EVERYBODY = { source: -1, serial: 0, key: 0, stamp: true, local: undefined, broadcast: true } as const;

const hasRoute = (address: string): Promise<boolean> =>
  new Promise((done) => {
    const socket = createSocket(address.includes(':') ? 'udp6' : 'udp4');
    const end = (reached: boolean): void => {
      socket.close();
      done(reached);
    };
    socket.once('error', () => end(false));
    // A callback would get the error, too.
    socket.once('connect', () => end(true));
    socket.connect(NTP_PORT, address);
  });
