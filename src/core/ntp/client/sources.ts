import type { IpBytes } from '../../../base/ip.js';
import { parseIp } from '../../../base/ip.js';
import type { KeyStream } from '../../../base/keystream.js';
import type { Ntp64 } from '../../../base/ntp64.js';
import type { RefId } from '../../../base/refid.js';
import { addMono, diff, type Instant, type Mono } from '../../../base/time.js';
import type { Seconds, StampKind } from '../../../base/units.js';
import { placeText } from '../../report/place.js';
import type { ActivityReport, NtpDataReport, SelectOptions, UnresolvedReport } from '../../report/reports.js';
import type { ClockChange } from '../../sample.js';
import type { SourceSet } from '../../sources/sourceset.js';
import type { Finding } from '../../sources/types.js';
import { Agenda } from './agenda.js';
import type { Association, Foretold, Outgoing, Received, Surroundings } from './association.js';
import { ClientAssociation } from './clientassociation.js';
import type { NtpSourceOptions } from './options.js';
import { PeerAssociation, type PeerOutgoing } from './peerassociation.js';
import { applyChange, type NtpChange, PlaceOrders, placeData } from './places.js';
import { refIdOfAddress } from './refid.js';
import { unheardReport } from './unheard.js';

/** Name servers are asked again after so long, doubled with every failure, s. */
const RESOLVE_FIRST: Seconds = 2;
const RESOLVE_LONGEST: Seconds = 3600;
/** s at least between two replacements of one entry's sources. */
const REPLACE_INTERVAL: Seconds = 600;
/** So many sources start together; each further one starts so many s later. */
const CROWD = 16;
const CROWD_SPACING: Seconds = 0.02;
/** Addresses of one pool that are tried at the same time, at most: twice as many as are wanted, the first to answer stay. */
const MAX_TRIED = 16;
/** Sources at most: each costs memory and packets. */
export const MAX_NTP_SOURCES = 4096;

/** What is to be done in the world. `source` = index in the SourceSet. */
export type NtpOutput =
  | {
      readonly kind: 'send';
      readonly source: number;
      readonly serial: number;
      readonly address: string;
      readonly port: number;
      readonly bytes: Uint8Array;
      /** Id of the symmetric key to seal it with; 0 = none. */
      readonly key: number;
      /** Its reply's departure will be known: the path is to be warm. */
      readonly warm?: boolean;
    }
  | (PeerOutgoing & {
      /** From the port of the server: peers know one another by address and port. */
      readonly kind: 'peer-send';
      readonly source: number;
      readonly address: string;
      readonly port: number;
      readonly key: number;
    })
  /** All peers there are now: their packets are wanted. */
  | { readonly kind: 'peers'; readonly peers: readonly PeerAddress[] }
  | { readonly kind: 'close'; readonly source: number }
  | { readonly kind: 'resolve'; readonly name: string; readonly family: 4 | 6 | undefined };

/** Where a peer speaks from. */
export interface PeerAddress {
  readonly source: number;
  readonly address: string;
  readonly port: number;
  readonly key: number;
  /** Packets a second that may be expected at most; more are somebody else's. */
  readonly rate: number;
}

export interface NtpHost {
  readonly sources: SourceSet;
  readonly random: KeyStream;
  /** s after which names are resolved again. */
  readonly refresh: Seconds;
  output(output: NtpOutput): void;
  fact(finding: Finding): void;
}

/** One line of the configuration, or one `add` command. */
interface Entry {
  readonly options: NtpSourceOptions;
  /** The name is an address. */
  readonly numeric: boolean;
  wanted: number;
  /** Of its addresses that are asked until so many as wanted have answered. */
  tried: number;
  /** Number of the first of the places for its addresses. */
  readonly firstPlace: number;
  readonly ids: Set<number>;
  /** Of the places that commands have named. */
  readonly orders: Map<number, PlaceOrders>;
  /** When the name is to be resolved (again); undefined = not by itself. */
  resolveAt: Mono | undefined;
  failures: number;
  resolving: boolean;
  /** Addresses that the name no longer stands for are to be left. */
  refreshing: boolean;
  replaceAfter: Mono;
}

interface Live {
  readonly entry: Entry;
  readonly association: Association;
  /** It has answered once, and is one of those that stay. */
  proven: boolean;
}

/** Packets a second of a peer that polls once a second or less often, for answers, retries and restarts. */
const PEER_RATE = 8;

export type NtpOutcome = 'done' | 'no-such-source' | 'exists' | 'too-many';

/** Which sources a command means: undefined = all; `mask` for a network. */
export type AddressMatch = (address: IpBytes | number) => boolean;

/** All NTP sources: names, addresses, associations. Synchronous; time is an argument. */
export class NtpSources {
  private readonly entries: Entry[] = [];
  private readonly live = new Map<number, Live>();
  /** Given to names so far. */
  private places = 0;

  private readonly agenda = new Agenda(this.live, this.entries);

  constructor(private readonly host: NtpHost) {}

  get size(): number {
    return this.live.size;
  }

  /** Places for sources that no address is known for, as chronyd counts them. */
  unresolved(): readonly UnresolvedReport[] {
    return this.entries.flatMap((entry) => {
      const { options: o, tried, ids, firstPlace } = entry;
      const mode = o.kind === 'peer' ? ('peer' as const) : ('client' as const);
      const left = this.isFull(entry) ? 0 : Math.max(0, tried - ids.size);
      return Array.from({ length: left }, (_, i) => {
        const id = firstPlace + tried - left + i;
        const orders = entry.orders.get(id) ?? new PlaceOrders(o.connectivity !== 'offline');
        const { online } = orders;
        const [pollLog2, configured] = [orders.poll(o.minpoll), orders.selected(o)];
        return { id, name: o.name, mode, pollLog2, keyId: o.key, configured, online };
      });
    });
  }

  private isFull(entry: Entry): boolean {
    return [...entry.ids].filter((id) => this.live.get(id)!.proven).length >= entry.wanted;
  }

  add(options: NtpSourceOptions, now: Mono): NtpOutcome {
    if (this.live.size >= MAX_NTP_SOURCES || this.entries.length >= MAX_NTP_SOURCES) return 'too-many';
    const numeric = parseIp(options.name) !== undefined;
    // Two sources of one name take different addresses of it.
    if (numeric && this.byAddress(options.name) !== undefined) return 'exists';
    const isPool = options.kind === 'pool' && !numeric;
    const wanted = isPool ? Math.max(1, options.maxsources) : 1;
    const entry: Entry = {
      options,
      numeric,
      wanted,
      tried: isPool ? Math.max(wanted, Math.min(2 * wanted, MAX_TRIED)) : 1,
      firstPlace: this.places + 1,
      ids: new Set(),
      orders: new Map(),
      resolveAt: undefined,
      failures: 0,
      resolving: false,
      refreshing: false,
      replaceAfter: addMono(now, REPLACE_INTERVAL),
    };
    this.entries.push(entry);
    if (!numeric) this.places += entry.tried;
    if (numeric) this.join(entry, options.name, now);
    else this.resolve(entry);
    return 'done';
  }

  /** Removes a source by its address or its place, or an entry by its name. */
  remove(nameOrAddress: string): NtpOutcome {
    const place = this.placeAt(nameOrAddress);
    if (place !== undefined && place.entry.tried > 1) {
      place.entry.tried--;
      place.entry.wanted = Math.min(place.entry.wanted, place.entry.tried);
      return 'done';
    }
    const live = this.byAddress(place?.entry.options.name ?? nameOrAddress);
    const entry = place?.entry ?? live?.[1].entry ?? this.byName(nameOrAddress);
    if (entry === undefined) return 'no-such-source';
    for (const id of live === undefined || entry.ids.size === 1 ? [...entry.ids] : [live[0]]) this.leave(id);
    this.agenda.spoil();
    if (entry.ids.size === 0) this.entries.splice(this.entries.indexOf(entry), 1);
    return 'done';
  }

  /** What the name servers said; no addresses = nothing. */
  resolved(name: string, addresses: readonly string[], now: Mono): void {
    for (const entry of this.entries) {
      if (entry.numeric || entry.options.name !== name || !entry.resolving) continue;
      entry.resolving = false;
      const { family } = entry.options;
      const fit = addresses.filter((a) => {
        const bytes = parseIp(a);
        return bytes !== undefined && (family === undefined || (bytes.length === 4) === (family === 4));
      });
      if (fit.length === 0) this.retry(entry, now);
      else this.settle(entry, fit, now);
    }
  }

  /** Resolves all names again; sources whose address is no longer told are replaced. */
  refresh(): void {
    for (const entry of this.entries) {
      if (entry.numeric) continue;
      entry.refreshing = true;
      this.resolve(entry);
    }
  }

  /** Sends what is due. True: the reachability of a source changed, select. */
  due(at: Surroundings, raw: Instant): boolean {
    const next = this.next();
    if (next === undefined || next > at.mono) return false;
    let changed = false;
    // In a crowd several requests leave each time: to wake up for each costs as much as the request.
    const together = this.live.size > CROWD;
    for (const id of this.agenda.candidates()) {
      const { entry, association } = this.live.get(id)!;
      const latest = together ? addMono(at.mono, association.slack) : at.mono;
      if (association.next > latest || !association.isActive()) continue;
      association.followed = this.host.sources.isCurrent(id);
      const { outgoing, missed } = association.due(at, raw);
      if (missed) {
        this.host.sources.reach(id, false);
        changed = true;
        this.considerReplacing(entry, id, at.mono);
      }
      this.host.sources.setPoll(id, association.polls.poll);
      const { address } = association;
      const { port, key } = entry.options;
      const to = { source: id, address, port, key };
      if (isToPeer(outgoing)) this.host.output({ kind: 'peer-send', ...to, ...outgoing });
      else this.host.output({ kind: 'send', ...to, ...outgoing });
    }
    this.resolveDue(at.mono);
    return changed;
  }

  private resolveDue(now: Mono): void {
    if (!this.agenda.resolves(now)) return;
    for (const entry of this.entries) {
      if (entry.resolveAt === undefined || entry.resolveAt > now) continue;
      entry.refreshing ||= entry.ids.size >= entry.wanted;
      this.resolve(entry);
    }
  }

  next(): Mono | undefined {
    return this.agenda.next();
  }

  sent(source: number, serial: number, raw: Instant, kind: StampKind, at: Surroundings, transmit?: Ntp64): void {
    this.live.get(source)?.association.sent(serial, raw, kind, at, transmit);
  }

  failed(source: number, serial: number): void {
    this.agenda.spoil();
    this.live.get(source)?.association.failed(serial);
  }

  /** Undefined: there is no such source (any more). */
  received(
    source: number,
    bytes: Uint8Array,
    raw: Instant,
    kind: StampKind,
    authentic: boolean,
    local: string | undefined,
    at: Surroundings,
    correction: Seconds = 0,
  ): Received | undefined {
    const live = this.live.get(source);
    if (live === undefined) return undefined;
    const { association } = live;
    const received = association.received(bytes, raw, kind, authentic, local, this.foretold(source), at, correction);
    // What it says may make the next packet come sooner.
    this.agenda.consider(source, association.next);
    // A server that has lost its own reference is as good as silent.
    if (received.synced !== undefined) this.host.sources.reach(source, received.synced);
    if (received.synced === true && !live.proven) this.prove(live);
    if (received.moved !== undefined) this.host.sources.moved(source, received.moved);
    if (received.copied !== undefined) this.host.sources.setRefId(source, received.copied);
    if (received.kiss !== undefined) this.tellKiss(received.kiss, association.address);
    if (received.sample !== undefined || received.synced === false) this.considerReplacing(live.entry, source, at.mono);
    return received;
  }

  rebase(change: ClockChange): void {
    for (const { association } of this.live.values()) association.rebase(change);
  }

  reset(): void {
    for (const [id, { association }] of this.live) {
      association.reset();
      this.host.sources.reset(id);
    }
  }

  /** s between polls of this source; undefined = not an NTP source. */
  pollInterval(source: number | undefined): Seconds | undefined {
    const live = source === undefined ? undefined : this.live.get(source);
    return live === undefined ? undefined : 2 ** live.association.polls.poll;
  }

  // ---- commands -----------------------------------------------------------------------------------------------

  setOnline(online: boolean, matches: AddressMatch, now: Mono): NtpOutcome {
    return this.forEach(
      matches,
      (association) => association.setOnline(online, now),
      (place) => {
        place.online = online;
      },
    );
  }

  burst(good: number, total: number, matches: AddressMatch, now: Mono): NtpOutcome {
    return this.forEach(
      matches,
      (association) => association.burst(good, total, now),
      (place) => {
        place.burst = { good, total };
      },
    );
  }

  change(address: string, change: NtpChange): NtpOutcome {
    const place = this.placeAt(address);
    place?.orders.add(change);
    if (place !== undefined) return 'done';
    const found = this.byAddress(address);
    if (found === undefined) return 'no-such-source';
    applyChange(found[1].association, change);
    return 'done';
  }

  /** The same of how it is selected. True: something has changed; undefined: there is no such place. */
  selectAt(place: string, change: Partial<SelectOptions>): boolean | undefined {
    const found = this.placeAt(place);
    if (found === undefined) return undefined;
    const before = found.orders.selected(found.entry.options);
    found.orders.setOptions(change);
    return (Object.keys(change) as (keyof SelectOptions)[]).some((word) => change[word] !== before[word]);
  }

  /** The reference id that we have for a source; undefined = it has not answered yet. */
  ownRefId(source: number): RefId | undefined {
    const address = this.live.get(source)?.association.localAddress;
    return address === undefined ? undefined : refIdOfAddress(address);
  }

  /** Sources that are being asked in quick succession. */
  bursting(): number[] {
    return [...this.live].filter(([, { association }]) => association.bursting).map(([id]) => id);
  }

  /** Index of the source at an address. */
  indexOf(address: string): number | undefined {
    return this.byAddress(address)?.[0];
  }

  onlineAddresses(): ReadonlySet<string> {
    const places = this.unresolved().flatMap(({ id, online }) => (online ? [placeText(id)] : []));
    return new Set([
      ...[...this.live.values()].flatMap(({ association: a }) => (a.online ? [a.address] : [])),
      ...places,
    ]);
  }

  /** The name by which the configuration calls the source at an address. */
  nameOf(address: string): string | undefined {
    return this.byAddress(address)?.[1].entry.options.name;
  }

  ntpData(address: string): NtpDataReport | undefined {
    return this.byAddress(address)?.[1].association.ntpData();
  }

  /** Id of the symmetric key of a source, 0 = none; undefined: there is no such source. */
  keyOf(address: string): number | undefined {
    return this.byAddress(address)?.[1].association.options.key;
  }

  /** The same for a source that has not answered yet. */
  unheard(address: string): NtpDataReport | undefined {
    const place = this.placeAt(address);
    if (place !== undefined) return placeData(address, place.entry.options.port);
    const association = this.byAddress(address)?.[1].association;
    return association && unheardReport(association);
  }

  /** How far the polling interval of a source is from its next change, −1…1. */
  pollScore(address: string): number {
    return this.byAddress(address)?.[1].association.polls.score ?? 0;
  }

  activity(): ActivityReport {
    const report = { online: 0, offline: 0, burstOnline: 0, burstOffline: 0, unresolved: this.unresolved().length };
    for (const { association } of this.live.values()) {
      if (association.bursting) report[association.online ? 'burstOnline' : 'burstOffline']++;
      else report[association.online ? 'online' : 'offline']++;
    }
    return report;
  }

  // ---- inside -------------------------------------------------------------------------------------------------

  private forEach(
    matches: AddressMatch,
    act: (association: Association) => void,
    order: (orders: PlaceOrders) => void,
  ): NtpOutcome {
    this.agenda.spoil();
    let outcome: NtpOutcome = 'no-such-source';
    for (const { association } of this.live.values()) {
      if (!matches(parseIp(association.address)!)) continue;
      act(association);
      outcome = 'done';
    }
    for (const { id } of this.unresolved()) {
      if (!matches(id)) continue;
      order(this.placeAt(placeText(id))!.orders);
      outcome = 'done';
    }
    return outcome;
  }

  /** The place that `ID#…` names, with what has been ordered for it so far. */
  private placeAt(text: string): { readonly entry: Entry; readonly orders: PlaceOrders } | undefined {
    const place = text.startsWith('ID#') ? this.unresolved().find(({ id }) => placeText(id) === text) : undefined;
    if (place === undefined) return undefined;
    const entry = this.entries.find(({ firstPlace: first, tried, numeric }) => {
      return !numeric && place.id >= first && place.id < first + tried;
    })!;
    let orders = entry.orders.get(place.id);
    if (orders === undefined) {
      orders = new PlaceOrders(place.online);
      entry.orders.set(place.id, orders);
    }
    return { entry, orders };
  }

  private byAddress(address: string): [number, Live] | undefined {
    for (const pair of this.live) if (pair[1].association.address === address) return pair;
    return undefined;
  }

  private byName(name: string): Entry | undefined {
    // The one that came last: those of the configuration file stay.
    return this.entries.findLast((e) => !e.numeric && e.options.name === name);
  }

  private foretold(source: number): Foretold {
    const stats = this.host.sources.stats(source);
    const { stdDev, skew } = stats.estimate;
    const drift = (time: Instant): Seconds => (stats.newest ? skew * Math.abs(diff(time, stats.newest.time)) : 0);
    return { samples: stats.count, stdDev, offset: (time) => stats.predict(time), drift };
  }

  private resolve(entry: Entry): void {
    this.agenda.spoil();
    entry.resolveAt = undefined;
    if (entry.resolving) return;
    entry.resolving = true;
    this.host.output({ kind: 'resolve', name: entry.options.name, family: entry.options.family });
  }

  private retry(entry: Entry, now: Mono): void {
    this.agenda.spoil();
    const wait = Math.min(RESOLVE_LONGEST, RESOLVE_FIRST * 2 ** Math.min(entry.failures++, 16));
    entry.resolveAt = addMono(now, wait);
  }

  /** Brings an entry's sources to what its name stands for now. */
  private settle(entry: Entry, addresses: readonly string[], now: Mono): void {
    this.agenda.spoil();
    entry.failures = 0;
    const fresh = addresses.filter((a) => this.byAddress(a) === undefined);
    for (const id of [...entry.ids]) {
      const { address } = this.live.get(id)!.association;
      if (!this.shouldGo(entry, id, address, addresses) || fresh.length === 0) continue;
      const instead = fresh.shift()!;
      this.tell('info', 'ntp.replaced', `Source ${address} replaced with ${instead} (${entry.options.name})`);
      this.leave(id);
      this.join(entry, instead, now);
    }
    const most = this.isFull(entry) ? entry.wanted : entry.tried;
    while (entry.ids.size < most && fresh.length > 0) this.join(entry, fresh.shift()!, now);
    entry.refreshing = false;
    // A pool that told fewer than wanted may tell others next time.
    if (entry.ids.size < entry.wanted) this.retry(entry, now);
    else entry.resolveAt = addMono(now, this.host.refresh);
  }

  /** A source has answered. Once there are as many as wanted, the others are not needed. */
  private prove(live: Live): void {
    live.proven = true;
    const { entry } = live;
    if (!this.isFull(entry)) return;
    for (const id of [...entry.ids]) if (!this.live.get(id)!.proven) this.leave(id);
  }

  private shouldGo(entry: Entry, id: number, address: string, addresses: readonly string[]): boolean {
    // A pool tells other addresses each time: between refreshes only what does not work is replaced.
    if (entry.refreshing && !addresses.includes(address)) return true;
    return this.host.sources.isBad(id);
  }

  private considerReplacing(entry: Entry, id: number, now: Mono): void {
    if (entry.numeric || now < entry.replaceAfter || !this.host.sources.isBad(id)) return;
    entry.replaceAfter = addMono(now, REPLACE_INTERVAL);
    this.resolve(entry);
  }

  private join(entry: Entry, address: string, now: Mono): void {
    this.agenda.spoil();
    const o = entry.options;
    const place = entry.firstPlace + entry.ids.size;
    const orders = entry.orders.get(place);
    entry.orders.delete(place);
    const source = this.host.sources.add({
      name: address,
      ...(entry.numeric ? {} : { title: `${address} (${o.name})` }),
      refId: refIdOfAddress(address),
      kind: o.kind === 'peer' ? 'peer' : 'client',
      address,
      options: orders?.selected(o) ?? { noselect: o.noselect, prefer: o.prefer, trust: o.trust, require: o.require },
      minsamples: o.minsamples,
      maxsamples: o.maxsamples,
      maxunreach: o.maxunreach,
      pollLog2: o.minpoll,
      authenticated: o.key !== 0,
    });
    // Hundreds of sources do not all ask within the first tenth of a second.
    const start = addMono(now, CROWD_SPACING * Math.max(0, this.live.size - CROWD));
    const Kind = o.kind === 'peer' ? PeerAssociation : ClientAssociation;
    const association = new Kind(o, address, this.host.random, start);
    orders?.follow(association, now);
    this.live.set(source, { entry, association, proven: false });
    entry.ids.add(source);
    if (o.kind === 'peer') this.tellPeers();
  }

  private tellPeers(): void {
    const peers = [...this.live].flatMap(([source, { entry, association }]) => {
      const { kind, port, key, minpoll } = entry.options;
      if (kind !== 'peer') return [];
      return [{ source, address: association.address, port, key, rate: PEER_RATE * 2 ** Math.max(0, -minpoll) }];
    });
    this.host.output({ kind: 'peers', peers });
  }

  private leave(id: number): void {
    this.agenda.spoil();
    const live = this.live.get(id);
    if (live === undefined) return;
    live.entry.ids.delete(id);
    this.live.delete(id);
    this.host.sources.remove(id);
    this.host.output({ kind: 'close', source: id });
    if (live.entry.options.kind === 'peer') this.tellPeers();
  }

  private tellKiss(kiss: string, address: string): void {
    if (kiss === 'RATE' || kiss === 'DENY' || kiss === 'RSTR') {
      this.tell('warn', 'ntp.kiss', `Received KoD ${kiss} from ${address}`);
    }
  }

  private tell(severity: Finding['severity'], name: string, text: string): void {
    this.host.fact({ severity, name, text });
  }
}

const isToPeer = (outgoing: Outgoing): outgoing is PeerOutgoing => 'stamp' in outgoing;
