import type { Instant } from '../base/time.js';
import type { StampKind } from '../base/units.js';

export interface NtpReply {
  readonly source: number;
  /** Without the MAC when that was right. */
  readonly bytes: Uint8Array;
  readonly time: Instant;
  readonly stamp: StampKind;
  /** Sealed with the key of the request. */
  readonly authentic: boolean;
  /** Our address. */
  readonly local: string | undefined;
}

/** What comes back from the network for NTP sources. */
export interface NtpClientHandlers {
  /** The request left; at most once for each, and before its first reply. */
  onSent(source: number, serial: number, time: Instant, stamp: StampKind): void;
  /** A packet from the address and port that was asked, to the socket of the request. */
  onReply(reply: NtpReply): void;
  /** The request could not leave. */
  onFailed(source: number, serial: number, reason: string): void;
}

export interface NtpRequest {
  readonly source: number;
  readonly serial: number;
  /** Numeric. */
  readonly address: string;
  readonly port: number;
  readonly bytes: Uint8Array;
  /** Id of the symmetric key to seal it with; 0 = none. */
  readonly key: number;
  /**
   * Its reply will tell when it really left, or that is known otherwise: the request is to leave by a path that is warm.
   * The others are as late as their replies, cold as both ends are, and that cancels.
   */
  readonly warm?: boolean;
}

/** Sends requests, each from a port of its own. */
export interface NtpClientPort {
  send(request: NtpRequest): void;
  /** Nothing more is expected for this source. */
  close(source: number): void;
  stop(): void;
}

/** Addresses that names stand for. */
export interface Resolver {
  /** Numeric addresses, best first; none: unknown, or nobody could be asked. Never rejects. */
  resolve(name: string, family: 4 | 6 | undefined): Promise<readonly string[]>;
}
