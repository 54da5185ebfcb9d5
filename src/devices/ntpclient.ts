import { type Instant, instant } from '../base/time.js';
import type { StampKind } from '../base/units.js';
import type { NtpClientHandlers, NtpClientPort, NtpReply, NtpRequest } from '../ports/ntpclient.js';
import { versionOf } from '../wire/ntp/header.js';
import type { SymmetricKey } from '../wire/ntp/keyfile.js';
import { seal, unseal } from './mac.js';
import type { Native, NativeHardwareStamp, NativeRequestOptions, NativeUdpClients } from './native.js';
import { messageOf } from './retry.js';

/** ms. Late replies are still taken off the socket, so that their senders get no ICMP; then the port is given back. */
const OPEN_MS = 8000;
/** ms at least between two looks for ports to give back: a timer for each of a thousand sources is a wake-up for each. */
const SWEEP_MS = 1000;
/** ms after which a card's transmit stamp is not waited for, with no reply to decide it. */
const LATE_STAMP_MS = 100;
const MAX_HELD = 4;

/** Stamps of network cards in terms of the system clock; undefined: the kernel's is to be used. */
export interface ClientHardware {
  /** ms that a reply waits for the card's stamp of its request. */
  readonly timeoutMs: number;
  /** Is a transmit stamp of this interface's card to be expected? */
  transmits(ifindex: number): boolean;
  sent(stamp: NativeHardwareStamp, kernel: Instant): Instant | undefined;
  /** `bytes`: of the packet. */
  received(stamp: NativeHardwareStamp, kernel: Instant, bytes: number, family: 4 | 6): Instant | undefined;
}

export interface NtpClientOptions {
  /** Undefined = a random port for each request (RFC 9109). */
  readonly port: number | undefined;
  readonly address4: string | undefined;
  readonly address6: string | undefined;
  readonly device: string | undefined;
  readonly dscp: number;
  /** The key of an id as it is now; undefined = there is none. */
  readonly key: (id: number) => SymmetricKey | undefined;
  readonly hardware?: ClientHardware | undefined;
}

interface Open {
  readonly source: number;
  readonly serial: number;
  readonly key: SymmetricKey | undefined;
  readonly id: number;
  /** The daemon's own stamp, for kernels that give none. */
  readonly time: Instant;
  readonly local: string;
  /** ms of performance.now(). */
  readonly opened: number;
  readonly family: 4 | 6;
  told: boolean;
  /** The kernel's stamp, while the card's is waited for. */
  kernel: Instant | undefined;
  waiting: NodeJS.Timeout | undefined;
  /** Replies that came meanwhile. */
  readonly held: NtpReply[];
}

/** NTP requests through the addon. */
export class NtpClientDevice implements NtpClientPort {
  private readonly native: NativeUdpClients;
  private readonly open = new Map<number, Open>();
  private readonly bySource = new Map<number, Open>();
  private sweeper: NodeJS.Timeout | undefined;

  constructor(
    native: Native,
    private readonly options: NtpClientOptions,
    private readonly handlers: NtpClientHandlers,
  ) {
    this.native = new native.UdpClients(
      (id, time, hardware, ifindex) => this.stamped(id, instant(time), hardware, ifindex),
      (id, bytes, time, kernel, hardware) => this.reply(id, bytes, instant(time), kernel, hardware),
    );
  }

  send({ source, serial, address, port, bytes, key: keyId, warm = false }: NtpRequest): void {
    this.close(source);
    const key = keyId === 0 ? undefined : this.options.key(keyId);
    if (keyId !== 0 && key === undefined) {
      this.handlers.onFailed(source, serial, `there is no key ${keyId}`);
      return;
    }
    const sealed = key === undefined ? bytes : seal(key, bytes, versionOf(bytes[0]!));
    try {
      const { id, time, local } = this.native.request(sealed, this.from(address, port, warm));
      const entry: Open = {
        source,
        serial,
        key,
        id,
        time: instant(time),
        local,
        opened: performance.now(),
        family: address.includes(':') ? 6 : 4,
        told: false,
        kernel: undefined,
        waiting: undefined,
        held: [],
      };
      this.open.set(id, entry);
      this.bySource.set(source, entry);
      if (this.sweeper === undefined) this.sweepIn(OPEN_MS);
    } catch (error) {
      this.handlers.onFailed(source, serial, messageOf(error));
    }
  }

  close(source: number): void {
    const open = this.bySource.get(source);
    if (open !== undefined) this.forget(open.id);
  }

  stop(): void {
    clearTimeout(this.sweeper);
    for (const { waiting } of this.open.values()) clearTimeout(waiting);
    this.open.clear();
    this.bySource.clear();
    this.native.close();
  }

  private from(address: string, port: number, warm: boolean): NativeRequestOptions {
    const { options } = this;
    const localAddress = address.includes(':') ? options.address6 : options.address4;
    const { port: localPort, device, dscp } = options;
    const hardware = options.hardware !== undefined;
    return { address, port, localAddress, localPort, device, dscp, warm, hardware };
  }

  private sweepIn(ms: number): void {
    this.sweeper = setTimeout(() => this.sweep(), ms);
    this.sweeper.unref();
  }

  /** Gives back the ports that have been open long enough: the first of the map are the oldest. */
  private sweep(): void {
    this.sweeper = undefined;
    const now = performance.now();
    for (const { id, opened } of this.open.values()) {
      const left = opened + OPEN_MS - now;
      if (left > 0) {
        this.sweepIn(Math.max(SWEEP_MS, left));
        return;
      }
      this.forget(id);
    }
  }

  private forget(id: number): void {
    const open = this.open.get(id);
    if (open === undefined) return;
    clearTimeout(open.waiting);
    this.open.delete(id);
    if (this.bySource.get(open.source) === open) this.bySource.delete(open.source);
    this.native.forget(id);
  }

  /** A transmit stamp has come: the kernel's first, the card's (if it stamps) after it. */
  private stamped(id: number, time: Instant, card: NativeHardwareStamp | undefined, ifindex: number): void {
    const open = this.open.get(id);
    if (open === undefined || open.told) return;
    const { hardware } = this.options;
    if (card !== undefined) {
      const kernel = open.kernel ?? open.time;
      const better = hardware?.sent(card, kernel);
      if (better !== undefined) this.sent(open, better, 'hardware');
      else this.sent(open, kernel, open.kernel === undefined ? 'daemon' : 'kernel');
      return;
    }
    if (hardware?.transmits(ifindex) !== true) {
      this.sent(open, time, 'kernel');
      return;
    }
    open.kernel = time;
    this.waitFor(open, LATE_STAMP_MS);
  }

  /** For the card's stamp; then the kernel's has to do. */
  private waitFor(open: Open, ms: number): void {
    clearTimeout(open.waiting);
    // Timers come before what is ready to be read: what came in time, while we were busy, is not late.
    open.waiting = setTimeout(() => setImmediate(() => this.sent(open, open.kernel ?? open.time, 'kernel')), ms);
    open.waiting.unref();
  }

  private sent(open: Open, time: Instant, stamp: StampKind): void {
    if (open.told || this.open.get(open.id) !== open) return;
    open.told = true;
    clearTimeout(open.waiting);
    this.handlers.onSent(open.source, open.serial, time, stamp);
    for (const reply of open.held.splice(0)) this.handlers.onReply(reply);
  }

  private reply(
    id: number,
    bytes: Uint8Array,
    time: Instant,
    kernel: boolean,
    card: NativeHardwareStamp | undefined,
  ): void {
    const open = this.open.get(id);
    if (open === undefined) return;
    if (open.kernel === undefined) this.sent(open, open.time, 'daemon');
    const packet = open.key === undefined ? undefined : unseal(open.key, bytes);
    const better = card && this.options.hardware?.received(card, time, bytes.length, open.family);
    const reply: NtpReply = {
      source: open.source,
      bytes: packet ?? bytes,
      time: better ?? time,
      stamp: better !== undefined ? 'hardware' : kernel ? 'kernel' : 'daemon',
      authentic: packet !== undefined,
      local: open.local === '' ? undefined : open.local,
    };
    if (open.told) {
      this.handlers.onReply(reply);
      return;
    }
    // A flood of them is not kept: the first is the one that counts.
    if (open.held.length >= MAX_HELD) return;
    open.held.push(reply);
    this.waitFor(open, this.options.hardware?.timeoutMs ?? 0);
  }
}
