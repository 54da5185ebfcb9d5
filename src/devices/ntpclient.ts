import { type Instant, instant } from '../base/time.js';
import type { NtpClientHandlers, NtpClientPort, NtpRequest } from '../ports/ntpclient.js';
import { versionOf } from '../wire/ntp/header.js';
import type { SymmetricKey } from '../wire/ntp/keyfile.js';
import { seal, unseal } from './mac.js';
import type { Native, NativeRequestOptions, NativeUdpClients } from './native.js';
import { messageOf } from './retry.js';

/** Of the origin stamp in a packet. */
const ORIGIN = 24;
/** ms. Late replies are still taken off the socket, so that their senders get no ICMP; then the port is given back. */
const OPEN_MS = 8000;

export interface NtpClientOptions {
  /** Undefined = a random port for each request (RFC 9109). */
  readonly port: number | undefined;
  readonly address4: string | undefined;
  readonly address6: string | undefined;
  readonly device: string | undefined;
  readonly dscp: number;
  /** The key of an id as it is now; undefined = there is none. */
  readonly key: (id: number) => SymmetricKey | undefined;
}

interface Open {
  readonly source: number;
  readonly serial: number;
  readonly key: SymmetricKey | undefined;
  readonly id: number;
  /** The daemon's own stamp, for kernels that give none. */
  readonly time: Instant;
  readonly local: string;
  readonly timer: NodeJS.Timeout;
  told: boolean;
}

/** Its reply will carry an accurate stamp. One of basic mode is as late as our request, cold as both ends are: that cancels. */
const isInterleaved = (bytes: Uint8Array): boolean => bytes.subarray(ORIGIN, ORIGIN + 8).some((byte) => byte !== 0);

/** NTP requests through the addon. */
export class NtpClientDevice implements NtpClientPort {
  private readonly native: NativeUdpClients;
  private readonly open = new Map<number, Open>();
  private readonly bySource = new Map<number, Open>();

  constructor(
    native: Native,
    private readonly options: NtpClientOptions,
    private readonly handlers: NtpClientHandlers,
  ) {
    this.native = new native.UdpClients(
      (id, time) => this.sent(id, instant(time), 'kernel'),
      (id, bytes, time, kernel) => this.reply(id, bytes, instant(time), kernel),
    );
  }

  send({ source, serial, address, port, bytes, key: keyId }: NtpRequest): void {
    this.close(source);
    const key = keyId === 0 ? undefined : this.options.key(keyId);
    if (keyId !== 0 && key === undefined) {
      this.handlers.onFailed(source, serial, `there is no key ${keyId}`);
      return;
    }
    const sealed = key === undefined ? bytes : seal(key, bytes, versionOf(bytes[0]!));
    try {
      const { id, time, local } = this.native.request(sealed, this.from(address, port, isInterleaved(bytes)));
      const timer = setTimeout(() => this.forget(id), OPEN_MS);
      timer.unref();
      const entry: Open = { source, serial, key, id, time: instant(time), local, timer, told: false };
      this.open.set(id, entry);
      this.bySource.set(source, entry);
    } catch (error) {
      this.handlers.onFailed(source, serial, messageOf(error));
    }
  }

  close(source: number): void {
    const open = this.bySource.get(source);
    if (open !== undefined) this.forget(open.id);
  }

  stop(): void {
    for (const { timer } of this.open.values()) clearTimeout(timer);
    this.open.clear();
    this.bySource.clear();
    this.native.close();
  }

  private from(address: string, port: number, warm: boolean): NativeRequestOptions {
    const { options } = this;
    const localAddress = address.includes(':') ? options.address6 : options.address4;
    const { port: localPort, device, dscp } = options;
    return { address, port, localAddress, localPort, device, dscp, warm };
  }

  private forget(id: number): void {
    const open = this.open.get(id);
    if (open === undefined) return;
    clearTimeout(open.timer);
    this.open.delete(id);
    if (this.bySource.get(open.source) === open) this.bySource.delete(open.source);
    this.native.forget(id);
  }

  private sent(id: number, time: Instant, stamp: 'daemon' | 'kernel'): void {
    const open = this.open.get(id);
    if (open === undefined || open.told) return;
    open.told = true;
    this.handlers.onSent(open.source, open.serial, time, stamp);
  }

  private reply(id: number, bytes: Uint8Array, time: Instant, kernel: boolean): void {
    const open = this.open.get(id);
    if (open === undefined) return;
    this.sent(id, open.time, 'daemon');
    const packet = open.key === undefined ? undefined : unseal(open.key, bytes);
    this.handlers.onReply({
      source: open.source,
      bytes: packet ?? bytes,
      time,
      stamp: kernel ? 'kernel' : 'daemon',
      authentic: packet !== undefined,
      local: open.local === '' ? undefined : open.local,
    });
  }
}
