/**
 * The engine's whole outside: events in, effects out. Everything here is data that can be written to an event log and
 * replayed. Times inside events are raw (CLOCK_REALTIME as stamped); `now` comes beside the event.
 */
import type { Ntp64 } from '../base/ntp64.js';
import type { RefId } from '../base/refid.js';
import type { Instant, Mono } from '../base/time.js';
import type { Frequency, Seconds, StampKind } from '../base/units.js';
import type { NtpSourceOptions } from '../core/ntp/client/options.js';
import type { NtpChange } from '../core/ntp/client/places.js';
import type { PeerAddress } from '../core/ntp/client/sources.js';
import type { ServerState } from '../core/ntp/state.js';
import type { PtpTime } from '../core/ptp/receiver.js';
import type { LocalOptions } from '../core/refclock/options.js';
import type { SourceMatch } from '../core/report/place.js';
import type { SelectOptions } from '../core/report/reports.js';
import type { Trace } from '../core/report/traces.js';
import type { RtcLine } from '../core/rtc/file.js';
import type { SourceDump } from '../core/sources/dump.js';
import type { ClockStatus } from '../ports/clock.js';
import type { DeviceState } from '../ports/device.js';
import type { Fact } from '../ports/observer.js';
import type { PulseEdge } from '../ports/pps.js';
import type { ReferenceReading } from '../ports/samples.js';
import type { PulseError, TimeMessage } from '../wire/timemessage.js';
import type { NamedLeapTable } from './leapdata.js';

/** What the clocks say at the moment an event is handled. */
export interface Now {
  readonly raw: Instant;
  readonly mono: Mono;
}

export type Command =
  | { readonly name: 'makestep' }
  | { readonly name: 'set-makestep'; readonly threshold: Seconds; readonly limit: number }
  | { readonly name: 'reselect' }
  | { readonly name: 'reselect-distance'; readonly distance: Seconds }
  | { readonly name: 'max-update-skew'; readonly skewPpm: number }
  | { readonly name: 'reset-sources' }
  /** Undefined = off. */
  | { readonly name: 'local'; readonly options: LocalOptions | undefined }
  | { readonly name: 'manual'; readonly action: 'on' | 'off' | 'reset' }
  | { readonly name: 'manual-delete'; readonly index: number }
  /** `time`: what the operator says it is now. */
  | { readonly name: 'settime'; readonly time: Instant }
  /** Positive = the clock is made to run slower (chrony's sign). */
  | { readonly name: 'change-frequency'; readonly freqFastPpm: number }
  /** Positive = the clock is fast and moved back (chrony's sign). */
  | { readonly name: 'change-offset'; readonly offsetFast: Seconds }
  | { readonly name: 'select-options'; readonly source: SourceRef; readonly change: Partial<SelectOptions> }
  | { readonly name: 'source-offset'; readonly source: SourceRef; readonly offset: Seconds }
  | { readonly name: 'smoothtime'; readonly action: 'reset' | 'activate' }
  /** NTP sources: what `match` names; all without it. */
  | { readonly name: 'online' | 'offline'; readonly match: SourceMatch }
  | { readonly name: 'burst'; readonly good: number; readonly total: number; readonly match: SourceMatch }
  | { readonly name: 'change-source'; readonly address: string; readonly change: NtpChange }
  | { readonly name: 'add-ntp-source'; readonly options: NtpSourceOptions }
  /** By address, or by the name of the configuration. */
  | { readonly name: 'delete-source'; readonly source: string }
  | { readonly name: 'refresh' }
  /** Set the real-time clock when it is a second off or more. */
  | { readonly name: 'trim-rtc' }
  | { readonly name: 'shutdown' };

/** A source as commands name it: a reference clock by its refid, an NTP source by its address. */
export type SourceRef = { readonly refId: RefId } | { readonly address: string };

/** What a time set by hand did to the clock. Positive = the clock was fast. */
export interface ManualResult {
  readonly offsetFast: Seconds;
  readonly freqChangeFastPpm: number;
  readonly freqFastPpm: number;
}

export interface CommandAnswer {
  readonly outcome:
    | 'done'
    | 'failed'
    | 'not-enabled'
    | 'no-such-source'
    | 'bad-sample'
    | 'source-exists'
    | 'too-many-sources'
    | 'no-rtc';
  /** Of `settime`. */
  readonly manual?: ManualResult;
}

/** What the network says; `source` = index as in the `ntp-send` effect, `serial` = its number of the request. */
export type NtpEvent =
  /**
   * The request left at this raw time. At most one for each request, before its reply; of a packet to a peer there may be
   * a second one, with a better stamp. `transmit`: what was put into it by the sender.
   */
  | {
      readonly kind: 'ntp-sent';
      readonly source: number;
      readonly serial: number;
      readonly time: Instant;
      readonly stamp: StampKind;
      readonly transmit?: Ntp64;
    }
  /** The request could not leave. */
  | { readonly kind: 'ntp-failed'; readonly source: number; readonly serial: number; readonly reason: string }
  /** A packet from the address and port that was asked. `local`: the address of ours that it came to. */
  | {
      readonly kind: 'ntp-reply';
      readonly source: number;
      readonly bytes: Uint8Array;
      readonly time: Instant;
      readonly stamp: StampKind;
      /** It was sealed with the key of the request; the MAC is taken off then. */
      readonly authentic: boolean;
      readonly local: string | undefined;
      /** s that it waited in transparent clocks, where it came inside a PTP message. */
      readonly correction?: Seconds;
    }
  /** Addresses that a name stands for, in order of preference; none: not known, or nobody could be asked. */
  | { readonly kind: 'ntp-resolved'; readonly name: string; readonly addresses: readonly string[] };

/** What the real-time clock says (`rtcfile`). */
export type RtcEvent =
  | { readonly kind: 'rtc-device'; readonly state: DeviceState }
  /** At the raw time `time` its second `utc` began. */
  | { readonly kind: 'rtc-update'; readonly time: Instant; readonly utc: Instant };

export type Event =
  /** First event: the clocks, and what was remembered (drift file, RTC file). */
  | {
      readonly kind: 'start';
      readonly driftFreq?: Frequency;
      readonly driftSkew?: Frequency;
      /** The RTC's file; `rtcSet`: the clock has been set from the RTC with it. */
      readonly rtc?: RtcLine;
      readonly rtcSet?: boolean;
    }
  /** Time has passed: the instant asked for by a `wake` effect has come (or any other moment; harmless). */
  | { readonly kind: 'tick' }
  /** `source` = index of the refclock in the configuration. */
  | { readonly kind: 'pulse'; readonly source: number; readonly edge: PulseEdge }
  | { readonly kind: 'message'; readonly source: number; readonly message: TimeMessage }
  /** A receiver says how far its next pulse will be off. */
  | { readonly kind: 'pulse-error'; readonly source: number; readonly foretold: PulseError }
  | { readonly kind: 'reading'; readonly source: number; readonly reading: ReferenceReading }
  | { readonly kind: 'rejected'; readonly source: number; readonly reason: string; readonly count: number }
  | { readonly kind: 'device'; readonly source: number; readonly state: DeviceState }
  /** The raw clock was moved by somebody else, by about `offset` (realtime against monotonic-raw). */
  | { readonly kind: 'clock-jump'; readonly offset: Seconds }
  /** Frequencies took effect later than taken for granted (a busy or cold machine): the raw clock is off by that. */
  | { readonly kind: 'frequency-late'; readonly offset: Seconds }
  /** The machine was asleep: monotonic time stood still, raw time was carried on by the RTC, good to a second or so. */
  | { readonly kind: 'slept'; readonly seconds: Seconds }
  /** What the sensor of the directive tempcomp says, in its own units. */
  | { readonly kind: 'temperature'; readonly value: number }
  /** What the daemon has read about leap seconds; a later one replaces it. */
  | { readonly kind: 'leap-table'; readonly named: NamedLeapTable }
  /** What the PTP daemon that steers PHCs knows (directive ptp4l). */
  | { readonly kind: 'ptp-time'; readonly time: PtpTime }
  /** History of a source from before a restart (option -r). */
  | { readonly kind: 'restore'; readonly source: number; readonly dump: SourceDump }
  | NtpEvent
  | RtcEvent
  | { readonly kind: 'command'; readonly command: Command };

export type Effect =
  /** Wake the engine with a tick at or soon after this instant; a later wake effect replaces an earlier one. */
  | { readonly kind: 'wake'; readonly at: Mono }
  /** `change`: against the frequency before. The clock is taken to run so from the event on; see `frequency-late`. */
  | { readonly kind: 'set-frequency'; readonly freq: Frequency; readonly change?: Frequency }
  | { readonly kind: 'step-clock'; readonly offset: Seconds }
  | { readonly kind: 'clock-status'; readonly status: ClockStatus }
  /** For the packet plane. */
  | { readonly kind: 'server-state'; readonly state: ServerState }
  /** One update of the real-time clock is wanted; answered by `rtc-update`. */
  | { readonly kind: 'rtc-measure' }
  /** Set the real-time clock to a whole second, now. */
  | { readonly kind: 'rtc-set'; readonly time: Instant }
  | { readonly kind: 'save-rtc'; readonly line: RtcLine }
  | { readonly kind: 'save-drift'; readonly freqPpm: number; readonly skewPpm: number }
  | { readonly kind: 'fact'; readonly fact: Fact }
  /** For chrony's log files; only those that EngineConfig.traces asks for. */
  | { readonly kind: 'trace'; readonly trace: Trace }
  /** Send a request, from a port of its own, to an address in text form. Packets of the request before may be forgotten. */
  | {
      readonly kind: 'ntp-send';
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
  /**
   * Send a packet to a peer, from the port of the server. With `stamp` its transmit stamp is the moment of sending on the
   * cooked clock: raw + `correction` s.
   */
  | {
      readonly kind: 'ntp-peer-send';
      readonly source: number;
      readonly serial: number;
      readonly address: string;
      readonly port: number;
      readonly bytes: Uint8Array;
      readonly key: number;
      readonly stamp: boolean;
      readonly correction: Seconds;
      /** Our address that the peer knows; undefined = the route decides. */
      readonly local: string | undefined;
    }
  /** All peers there are: their packets, from address and port, are wanted as `ntp-reply` events. */
  | { readonly kind: 'ntp-peers'; readonly peers: readonly PeerAddress[] }
  /** Send a packet that answers nobody, stamped like those to peers. */
  | {
      readonly kind: 'ntp-broadcast';
      readonly address: string;
      readonly port: number;
      readonly bytes: Uint8Array;
      readonly correction: Seconds;
    }
  /** The source is gone: nothing more is expected from it. */
  | { readonly kind: 'ntp-close'; readonly source: number }
  /** Ask what addresses a name stands for; answered by `ntp-resolved`. */
  | { readonly kind: 'ntp-resolve'; readonly name: string; readonly family: 4 | 6 | undefined }
  /** One for each command. */
  | { readonly kind: 'answer'; readonly answer: CommandAnswer }
  | { readonly kind: 'exit'; readonly code: number; readonly reason: string };
