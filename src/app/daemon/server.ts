import { CodedError } from '../../base/errors.js';
import { type IpBytes, parseIp } from '../../base/ip.js';
import type { AccessRule, Config } from '../../conf/config.js';
import type { AccessRule as Rule } from '../../core/access/tree.js';
import { AccessTree } from '../../core/access/tree.js';
import { HW_TABLE_BYTES } from '../../core/hwclock/table.js';
import type { PeerEntry } from '../../core/ntp/peerdesk.js';
import type { ServerState } from '../../core/ntp/state.js';
import type { ServerStatsReport } from '../../core/report/reports.js';
import type { PeerNews, PeerPacket } from '../../serve/peers.js';
import type { SymmetricKey } from '../../wire/ntp/keyfile.js';
import { type Plane, type PlaneClients, type PlaneSocket, socketFailure, startPlane } from '../plane.js';
import type { RawStep } from './runtime.js';

const LOOPBACK: readonly Rule[] = [
  { allow: true, all: false, subnet: { family: 4, address: Uint8Array.of(127, 0, 0, 0), bits: 8 } },
  {
    allow: true,
    all: false,
    subnet: { family: 6, address: Uint8Array.from({ length: 16 }, (_, i) => +(i === 15)), bits: 128 },
  },
];

/** A line of the configuration as the access tree takes it; undefined for a name: these have been resolved before. */
export const toRule = (rule: AccessRule): Rule | undefined => {
  const base = { allow: rule.action === 'allow', all: rule.all };
  if (rule.subnet.kind === 'any') return { ...base, subnet: undefined };
  if (rule.subnet.kind === 'host') return undefined;
  const address = parseIp(rule.subnet.address);
  return address === undefined ? undefined : { ...base, subnet: { ...rule.subnet, address } };
};

/** Sockets that the configuration asks for. */
const socketsOf = (
  config: Config,
  families: readonly (4 | 6)[],
  inherited: readonly number[],
  wanted: Wanted,
): PlaneSocket[] => {
  const { port, binddevice, dscp, bindaddress4, bindaddress6 } = config.server;
  const only = bindaddress4 !== undefined || bindaddress6 !== undefined;
  const socket = (family: 4 | 6, address: string | undefined): PlaneSocket[] =>
    !families.includes(family) || (only && address === undefined)
      ? []
      : [{ family, address: address ?? '', port, device: binddevice, dscp: dscp === 0 ? undefined : dscp, inherited }];
  const plain = wanted.ntp ? [...socket(4, bindaddress4), ...socket(6, bindaddress6)] : [];
  const { ptpport, ptpdomain } = config.hardware;
  const framed = (family: 4 | 6, address: string | undefined): PlaneSocket[] =>
    socket(family, address).map((s) => ({ ...s, port: ptpport, ptpDomain: ptpdomain }));
  return wanted.ptp ? [...plain, ...framed(4, bindaddress4), ...framed(6, bindaddress6)] : plain;
};

/** Which ports are to be open. */
interface Wanted {
  readonly ntp: boolean;
  readonly ptp: boolean;
}

const CLOSED: Wanted = { ntp: false, ptp: false };

/**
 * The NTP server of the daemon. As in chronyd its sockets open only when somebody is allowed to ask, or there are peers or
 * broadcasts: with no `allow` the port stays closed, and a live `allow` opens it.
 */
export class NtpServer {
  private readonly config: Config;
  private readonly families: readonly (4 | 6)[];
  private readonly rules: Rule[];
  private readonly tree = new AccessTree();
  private readonly onFault: (error: Error) => void;
  /** For what is known of the clocks of network cards; undefined: none is to stamp. */
  readonly hardware: SharedArrayBuffer | undefined;
  /** Nobody is served at the NTP port. */
  onlyPtp = false;
  /** Where trouble with a port that opens late is told. */
  onWarning: (text: string) => void = () => {};
  /** A worker was started again. */
  onRestart: (error: Error) => void = () => {};
  /** What is answered in mode 6; until it is set nothing is. */
  onControl: (request: Uint8Array) => readonly Uint8Array[] = () => [];
  /** What comes from configured peers, and what became of packets to them. */
  onPeer: (news: PeerNews) => void = () => {};
  private readonly controlRules: Rule[];
  private peers: readonly PeerEntry[] = [];
  private keys: readonly SymmetricKey[] = [];
  private plane: Plane | undefined;
  private opened: Wanted = CLOSED;
  private starting: Promise<void> | undefined;
  private state: ServerState | undefined;
  private cmdHits = 0;
  private cmdDrops = 0;

  /** `inherited`: descriptors that the service manager has opened for us. */
  constructor(
    config: Config,
    families: readonly (4 | 6)[],
    onFault: (error: Error) => void,
    private readonly inherited: readonly number[] = [],
  ) {
    this.config = config;
    this.hardware = config.hardware.hwtimestamp.length > 0 ? new SharedArrayBuffer(HW_TABLE_BYTES) : undefined;
    this.families = families;
    this.onFault = onFault;
    this.rules = config.server.access.flatMap((r) => toRule(r) ?? []);
    for (const rule of this.rules) this.tree.apply(rule);
    // As everywhere, loopback may always look.
    this.controlRules = [...LOOPBACK, ...config.command.access.flatMap((r) => toRule(r) ?? [])];
  }

  /** Is there somebody to be answered, or spoken to from the server's port? The port for PTP is always open, as chrony's. */
  private get wanted(): Wanted {
    const { server, sources, hardware } = this.config;
    const { ptpport } = hardware;
    const isPeer = (port: number): boolean => ptpport === 0 || port !== ptpport;
    const spoken = this.peers.some((p) => isPeer(p.port)) || sources.some((s) => s.kind === 'peer' && isPeer(s.port));
    const ntp =
      !this.onlyPtp && server.port !== 0 && (this.rules.some((r) => r.allow) || server.broadcasts.length > 0 || spoken);
    return { ntp, ptp: ptpport !== 0 };
  }

  /** Is there a port to open that is not open? */
  private get lacks(): boolean {
    const { wanted, opened } = this;
    return (wanted.ntp && !opened.ntp) || (wanted.ptp && !opened.ptp);
  }

  /** Opens the sockets where that is wanted. What could not be opened comes back in words: the daemon goes on without, as chronyd. */
  async start(): Promise<readonly string[]> {
    try {
      return await this.open();
    } catch (error) {
      this.opened = CLOSED;
      if (!(error instanceof CodedError) || error.code !== 'ERR_TB_SOCKET') throw error;
      return error.message.split('\n');
    }
  }

  private async open(): Promise<readonly string[]> {
    if (!this.lacks) return [];
    const { wanted } = this;
    // The port for PTP was open alone: both begin anew, and nobody was served before who would notice.
    await this.plane?.stop();
    this.plane = undefined;
    this.opened = wanted;
    const { clientloglimit, noclientlog, servethreads } = this.config.server;
    const access = [...this.rules];
    const { keys, peers } = this;
    const plane = await startPlane({
      sockets: socketsOf(this.config, this.families, this.inherited, wanted),
      access,
      clientLogLimit: clientloglimit,
      noClientLog: noclientlog,
      // An inherited socket is one, and cannot be shared out among threads.
      workers: this.inherited.length > 0 ? 1 : servethreads,
      limit: this.config.server.ratelimit,
      keys,
      peers,
      onPeer: (news) => this.onPeer(news),
      controlAccess: [...this.controlRules],
      onControl: (request) => this.onControl(request),
      onRestart: (error) => this.onRestart(error),
      onFault: this.onFault,
      hardware: this.hardware,
      txBuffers: this.config.hardware.maxtxbuffers,
    });
    this.plane = plane;
    // What was allowed or denied while the workers started.
    for (const rule of this.rules.slice(access.length)) plane.changeAccess(rule);
    if (this.keys !== keys) plane.setKeys(this.keys);
    if (this.peers !== peers) plane.setPeers(this.peers);
    if (this.state !== undefined) plane.publish(this.state);
    return plane.warnings.map(socketFailure);
  }

  get ports(): readonly number[] {
    return this.plane?.ports ?? [];
  }

  publish(state: ServerState, step?: RawStep): void {
    this.state = state;
    this.plane?.publish(state, step);
  }

  beginStep(): void {
    this.plane?.beginStep();
  }

  /** Symmetric keys; replaces those of before. */
  setKeys(keys: readonly SymmetricKey[]): void {
    this.keys = keys;
    this.plane?.setKeys(keys);
  }

  /** Configured peers; replaces those of before. The port opens for them if it is not open yet. */
  setPeers(peers: readonly PeerEntry[]): void {
    this.peers = peers;
    this.plane?.setPeers(peers);
    if (this.lacks) this.starting ??= this.openLate();
  }

  /** False: the port is not open. */
  sendPeer(packet: Omit<PeerPacket, 'epoch'>): boolean {
    return this.plane?.sendPeer(packet) ?? false;
  }

  /** Who may ask in mode 6, live. */
  changeControlAccess(rule: Rule): void {
    this.controlRules.push(rule);
    this.plane?.changeControlAccess(rule);
  }

  changeAccess(rule: Rule): void {
    this.tree.apply(rule);
    this.rules.push(rule);
    this.plane?.changeAccess(rule);
    if (this.lacks) this.starting ??= this.openLate();
  }

  /** After a live `allow`; one that fails is tried again by the next. */
  private async openLate(): Promise<void> {
    try {
      for (const warning of await this.start()) this.onWarning(warning);
    } catch (error) {
      this.onWarning(error instanceof Error ? error.message : String(error));
    }
    this.starting = undefined;
  }

  accessAllowed(address: IpBytes): boolean {
    return this.tree.isAllowedAddress(address.length === 4 ? 4 : 6, address);
  }

  countCommand(address: IpBytes | undefined, dropped: boolean): void {
    if (this.plane !== undefined) this.plane.countCommand(address, dropped);
    else if (dropped) this.cmdDrops++;
    else this.cmdHits++;
  }

  stats(): ServerStatsReport {
    if (this.plane !== undefined) return this.plane.serverStats();
    return {
      ntpHits: 0,
      nkeHits: 0,
      cmdHits: this.cmdHits,
      ntpDrops: 0,
      nkeDrops: 0,
      cmdDrops: this.cmdDrops,
      logDrops: 0,
      ntpAuthHits: 0,
      ntpInterleavedHits: 0,
      ntpTimestamps: 0,
      ntpSpanSeconds: 0,
      daemonRx: 0,
      daemonTx: 0,
      kernelRx: 0,
      kernelTx: 0,
      hardwareRx: 0,
      hardwareTx: 0,
    };
  }

  clients(): PlaneClients | undefined {
    if (this.config.server.noclientlog) return undefined;
    return this.plane?.clients() ?? { size: 0, at: () => undefined, reset: () => undefined };
  }

  async stop(): Promise<void> {
    await this.plane?.stop();
  }
}
