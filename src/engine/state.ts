import { REFID_LOCAL, type RefId } from '../base/refid.js';
import { diff, diffMono, type Instant, type Mono } from '../base/time.js';
import { type Frequency, type Leap, PPM, type Seconds } from '../base/units.js';
import { Discipline, type TrackingFigures } from '../core/discipline/discipline.js';
import { FallbackDrift } from '../core/discipline/fallback.js';
import { Warmth } from '../core/discipline/warmth.js';
import type { ServerState } from '../core/ntp/state.js';
import { type ClockContext, type Measured, RefclockManager } from '../core/refclock/manager.js';
import type {
  ActivityReport,
  ManualSampleReport,
  NtpDataReport,
  RefclockReport,
  RtcReport,
  SelectReport,
  SmoothingReport,
  SourceReport,
  SourcestatsReport,
  TrackingReport,
  UnresolvedReport,
} from '../core/report/reports.js';
import type { StabilityReport } from '../core/report/stability.js';
import type { RtcLine } from '../core/rtc/file.js';
import type { DumpedSource, SourceDump } from '../core/sources/dump.js';
import { type Selection, SourceSet } from '../core/sources/sourceset.js';
import { Stability } from '../core/stability/stability.js';
import type { ClockStatus } from '../ports/clock.js';
import { CookedClock } from './clock.js';
import { frequencyFast } from './commands.js';
import type { EngineConfig } from './config.js';
import type { Effect, Now } from './events.js';
import { LeapKeeper } from './leap.js';
import { LeapData } from './leapdata.js';
import { LocalReference } from './local.js';
import { ManualInput } from './manual.js';
import type { NtpSide } from './ntp.js';
import { PollTimers } from './polls.js';
import { RecentMeasurements } from './recent.js';
import { RtcKeeper, type RtcMoment } from './rtc.js';
import { Smoothing } from './smoothing.js';
import { localState, unsynchronisedState } from './states.js';
import { Steering } from './steering.js';
import { Compensation } from './tempcomp.js';
import { Tracer } from './tracer.js';

/** s after the start during which a sentence source that numbers a pulse source leaves the first move to the pulses. */
const PULSE_GRACE = 10;
/** s without an accepted measurement after which the discipline holds over. */
const HOLD_AFTER = 5;
/** The same for a source on the network, in its polling intervals. */
const HOLD_POLLS = 4;

/** What we are synchronised to, also in holdover. */
export interface Reference {
  readonly stratum: number;
  readonly refId: RefId;
  readonly name: string;
  readonly address: string | undefined;
  readonly rootDelay: Seconds;
  readonly rootDispersion: Seconds;
}

/** The clocks while an event is handled. */
export type Moment = { raw: Instant; mono: Mono };

/** What the engine knows, and what others may see of it: everything here reads, nothing changes. */
export abstract class EngineState {
  readonly clock: CookedClock;
  protected readonly stability: Stability;
  protected readonly config: EngineConfig;
  protected readonly manager: RefclockManager;
  protected readonly sources: SourceSet;
  protected discipline: Discipline;
  protected readonly polls: PollTimers;
  protected readonly local: LocalReference;
  protected readonly leap: LeapKeeper;
  protected readonly leapData = new LeapData();
  protected readonly tempcomp: Compensation;
  protected readonly fallback: FallbackDrift | undefined;
  protected readonly warmth: Warmth | undefined;
  protected readonly manual: ManualInput;
  protected readonly smoothing: Smoothing;
  protected readonly rtc: RtcKeeper;
  protected readonly recent: RecentMeasurements;
  protected readonly deviceUp: boolean[];
  protected readonly steering: Steering;
  protected selection: Selection | undefined;
  protected reference: Reference | undefined;
  protected started: Mono;
  protected lastMeasure: Mono | undefined;
  protected lastDriftSave: Mono | undefined;
  protected lastStep: Mono | undefined;
  protected referenceTime: Instant | undefined;
  /** Dispersion of the last believed measurement that is not its own noise: of its source, and what averaging leaves. */
  protected upstream: Seconds = 0;
  /** Measurements of the event at hand that are still to be used: a correction by one re-bases the others. */
  protected pending: Measured[] = [];
  protected holding = false;
  /** While the last measurements of a new source are gone through a step waits for the end of them. */
  protected warming = false;
  protected stepWanted = false;
  /** The last correction by the operator. */
  protected byHand: { readonly at: Mono; readonly offset: Seconds; readonly interval: Seconds } | undefined;
  /** The kernel's rate has changed, and with it how raw becomes cooked, since the server state was published. */
  protected stale = false;
  protected effects: Effect[] = [];
  /** One for the whole of an event: a step of the raw clock moves it, and nobody goes on with the time before it. */
  protected moment: Moment;
  protected readonly traces: Tracer;
  /** How well the frequency is known before the first update; without a drift file not at all. */
  protected driftSkew: Frequency = 1;

  protected abstract readonly ntp: NtpSide;

  constructor(config: EngineConfig, now: Now) {
    this.config = config;
    const d = config.discipline;
    this.steering = new Steering(d.corrtimeratio);
    this.clock = new CookedClock(config.control, d.maxslewratePpm * PPM, now.raw);
    this.manager = new RefclockManager(config.refclocks, config.precision, config.buildDate, this.leapData.utcFromTai);
    const infos = config.refclocks.map((o, i) => ({
      name: this.manager.name(i),
      refId: this.manager.refIds[i]!,
      kind: 'refclock' as const,
      address: undefined,
      options: { noselect: o.noselect, prefer: o.prefer, trust: o.trust, require: o.require },
      minsamples: o.minsamples,
      maxsamples: o.maxsamples,
      maxunreach: o.maxunreach,
      pollLog2: this.manager.pollInterval(i),
    }));
    this.sources = new SourceSet(infos, config.selection, config.precision, d.maxclockerrorPpm * PPM);
    this.discipline = new Discipline(d, undefined);
    this.polls = new PollTimers(
      infos.map((i) => i.pollLog2),
      now.mono,
    );
    this.stability = new Stability();
    this.local = new LocalReference(config.local);
    this.manual = new ManualInput(config.manual);
    this.smoothing = new Smoothing(config.smoothtime);
    this.rtc = new RtcKeeper(config.rtc, config.traces.has('rtc'), (effect) => this.effects.push(effect));
    this.tempcomp = new Compensation(config.tempcomp);
    const { fallbackdrift } = config;
    this.fallback = fallbackdrift && new FallbackDrift(fallbackdrift.min, fallbackdrift.max);
    this.warmth = config.learnsWarmth === true ? new Warmth() : undefined;
    this.leap = new LeapKeeper(d.leapsecmode, config.control !== undefined);
    this.traces = new Tracer(config.traces, infos.length, (trace) => this.effects.push({ kind: 'trace', trace }));
    this.recent = new RecentMeasurements();
    this.moment = { ...now };
    this.deviceUp = infos.map(() => false);
    this.started = now.mono;
  }

  /** Directive `maxclockerror`: how fast a clock that nobody looks after goes wrong. */
  get maxClockError(): Frequency {
    return this.config.discipline.maxclockerrorPpm * PPM;
  }

  // ---- what others see ----------------------------------------------------------------------------------------

  /** The state that the packet plane answers with, also published as an effect whenever it changes. */
  serverState(now: Now): ServerState {
    const cooked = this.clock.now(now.raw);
    const synced = this.synchronised(now);
    const precision = Math.round(Math.log2(this.config.precision));
    const { view } = this.clock;
    if (this.local.active(synced ? this.agedDistance(now) : undefined, this.sinceUpdate(now), this.sinceStart(now))) {
      const dispersionRate = this.maxClockError;
      const base = { precision, view, dispersionAt: cooked, dispersionRate };
      return localState(base, this.local.stratum, this.local.referenceTime(cooked));
    }
    if (!synced) {
      return unsynchronisedState({ precision, view, dispersionAt: cooked, dispersionRate: this.maxClockError });
    }
    const reference = this.reference!;
    const bound = this.discipline.bound(cooked);
    return {
      precision,
      view,
      dispersionAt: cooked,
      leap: this.announcedLeap(cooked),
      stratum: reference.stratum + 1,
      refId: reference.refId,
      referenceTime: this.referenceTime!,
      rootDelay: reference.rootDelay,
      rootDispersion: reference.rootDispersion + bound.dispersion,
      dispersionRate: bound.dispersionRate,
    };
  }

  /** What the kernel is told. */
  protected kernelStatus(state: ServerState, now: Now): ClockStatus {
    const cooked = this.clock.now(now.raw);
    const synchronised = state.leap !== 3;
    const error = synchronised ? state.rootDelay / 2 + state.rootDispersion : 16;
    const status = {
      leap: this.leap.forKernel(cooked, state.leap),
      synchronised: synchronised && this.config.rtcsync,
      maxError: error + Math.abs(this.clock.correction(now.raw)),
      estError: synchronised ? this.discipline.bound(cooked).sd : 16,
    };
    const taiOffset = this.leap.kernelMovesTai(cooked) ? undefined : this.leapData.taiOffset(cooked);
    return taiOffset === undefined ? status : { ...status, taiOffset };
  }

  /** A leap second that is smeared is none to the clients. */
  protected announcedLeap(cooked: Instant): Leap {
    const leap = this.leap.announced(cooked);
    const smeared = this.smoothing.enabled && this.config.discipline.leapsecmode === 'slew';
    return smeared && leap !== 3 ? 0 : leap;
  }

  protected synchronised(now: Now): boolean {
    if (this.reference === undefined || this.referenceTime === undefined) return false;
    return this.ownDistance(now) <= this.config.selection.maxdistance;
  }

  protected ownDistance(now: Now): Seconds {
    if (this.reference === undefined) return Number.POSITIVE_INFINITY;
    const { rootDelay, rootDispersion } = this.reference;
    return rootDelay / 2 + rootDispersion + this.discipline.bound(this.clock.now(now.raw)).dispersion;
  }

  /**
   * The distance by which `local` judges: it grows at least as `maxclockerror` says, so that an operator can tell when
   * local time takes over. What we know of our oscillator is usually better than that, and is what clients are told.
   */
  private agedDistance(now: Now): Seconds {
    return this.ownDistance(now) + this.maxClockError * (this.sinceUpdate(now) ?? 0);
  }

  protected sinceUpdate(now: Now): Seconds | undefined {
    return this.lastMeasure === undefined ? undefined : diffMono(now.mono, this.lastMeasure);
  }

  protected sinceStart(now: Now): Seconds {
    return diffMono(now.mono, this.started);
  }

  protected context(now: Now): ClockContext {
    const synced = this.synchronised(now);
    const cooked = this.clock.now(now.raw);
    // What a source disputes is its own word: it would keep that source out for good, also when it is right again.
    const undisputed = this.ownDistance(now) - this.discipline.bound(cooked).disputed;
    return {
      now: cooked,
      view: this.clock.view,
      synchronised: synced,
      rootDistance: synced ? undisputed : Number.POSITIVE_INFINITY,
      stratum: synced ? this.reference!.stratum + 1 : 16,
      localActive: this.local.wasActive,
      selected: this.selectedRefclock(),
    };
  }

  protected selectedRefclock(): number | undefined {
    const selected = this.selection?.selected;
    return selected !== undefined && this.known(selected) ? selected : undefined;
  }

  protected known(source: number): boolean {
    return source >= 0 && source < this.config.refclocks.length;
  }

  /** A source on the network speaks once a poll; a few of its replies may be lost. */
  protected holdAfter(): Seconds {
    return Math.max(HOLD_AFTER, HOLD_POLLS * (this.ntp.sources.pollInterval(this.selection?.selected) ?? 0));
  }

  /** True while nothing has been selected yet and a pulse source that could be selected is about to be numbered. */
  protected leavesFirstMoveToPulses(now: Now): boolean {
    if (this.selection?.selected !== undefined || this.referenceTime !== undefined) return false;
    if (diffMono(now.mono, this.started) > PULSE_GRACE) return false;
    return this.config.refclocks.some(
      (o, i) => o.lock !== '' && !o.noselect && this.deviceUp[i] && !this.recent.has(i),
    );
  }

  protected isSettled(): boolean {
    return this.discipline.mode === 'tracking' || this.discipline.mode === 'holdover';
  }

  /** TAI − UTC, s. */
  taiOffset(now: Now): { readonly offset: number; readonly valid: boolean } {
    return this.leapData.taiOffsetOrGuess(this.clock.now(now.raw));
  }

  /** What kind of clock is followed. */
  referenceKind(): 'gnss' | 'ptp' | 'ntp' | 'other' {
    const selected = this.selectedRefclock();
    if (selected === undefined) return 'ntp';
    const { driver } = this.config.refclocks[selected]!;
    if (driver === 'PHC') return 'ptp';
    return driver === 'NMEA' || driver === 'UBX' || driver === 'PPS' ? 'gnss' : 'other';
  }

  tracking(now: Now): TrackingReport {
    const state = this.serverState(now);
    const cooked = this.clock.now(now.raw);
    const local = state.refId === REFID_LOCAL;
    const synced = state.leap !== 3 && !local;
    const d = this.figures();
    return {
      refId: state.refId,
      address: synced ? this.reference?.address : undefined,
      name: synced ? (this.reference?.name ?? '') : '',
      stratum: state.stratum === 16 ? 0 : state.stratum,
      leap: state.leap,
      referenceTime: state.referenceTime,
      currentCorrection: this.clock.correction(now.raw),
      lastOffset: d.lastOffset,
      rmsOffset: d.rmsOffset,
      frequencyFastPpm: frequencyFast(this.clock.base) / PPM,
      residualFrequencyPpm: synced ? d.residualFreqPpm : 0,
      skewPpm: synced ? d.skewPpm : 0,
      rootDelay: state.rootDelay,
      rootDispersion: state.rootDispersion + state.dispersionRate * diff(cooked, state.dispersionAt),
      lastUpdateInterval: d.updateInterval,
      mode: local ? 'local' : this.discipline.mode,
    };
  }

  /** `time`: of the measurement by which the clock was corrected. */
  protected traceUpdate(time: Instant, now: Now): void {
    if (!this.traces.wants('tracking')) return;
    this.traces.tracking(this.tracking(now), time, this.selection?.combined.length ?? 0, this.discipline.bound(time));
  }

  /** Nothing is followed (any more). */
  protected traceLoss(now: Now): void {
    if (!this.traces.wants('tracking')) return;
    const { updates, skewPpm } = this.discipline.figures();
    const skew = updates > 0 ? skewPpm * PPM : this.driftSkew;
    const at = this.clock.now(now.raw);
    const distance = this.referenceTime === undefined ? Number.POSITIVE_INFINITY : this.ownDistance(now);
    this.traces.loss(this.tracking(now), at, skew, Number.isFinite(distance) ? distance : undefined);
  }

  /** Of the last correction, by a source or by hand. */
  protected figures(): TrackingFigures {
    const figures = this.discipline.figures();
    const { byHand, lastMeasure } = this;
    if (byHand === undefined || (lastMeasure !== undefined && lastMeasure > byHand.at)) return figures;
    const { offset: lastOffset, interval: updateInterval } = byHand;
    return { ...figures, lastOffset, rmsOffset: Math.abs(lastOffset), updateInterval };
  }

  manualList(): readonly ManualSampleReport[] {
    return this.manual.list();
  }

  /** Undefined: there is none, or it is not tracked. */
  rtcReport(): RtcReport | undefined {
    return this.rtc.report();
  }

  /** For the RTC's file; undefined: too little is known. */
  rtcLine(): RtcLine | undefined {
    return this.rtc.line();
  }

  protected rtcMoment(now: Now): RtcMoment {
    const synchronised = this.synchronised(now);
    const untouched = this.referenceTime === undefined && this.byHand === undefined;
    return { mono: now.mono, cooked: this.clock.now(now.raw), synchronised, untouched };
  }

  /** Undefined: not configured. */
  smoothingReport(now: Now): SmoothingReport | undefined {
    return this.smoothing.report(this.clock.now(now.raw));
  }

  /** History of the sources, for a restart. */
  dumps(): readonly SourceDump[] {
    return this.sources.dumps().map((dump) => ({ ...dump, name: this.configuredName(dump) }));
  }

  /** The sources that there are, with the index by which events name them. */
  dumpable(): readonly (DumpedSource & { readonly source: number })[] {
    return this.sources.all().map((d) => ({ ...d, name: this.configuredName(d) }));
  }

  private configuredName({ name, address }: DumpedSource): string {
    return (address === undefined ? undefined : this.sourceName(address)) ?? name;
  }

  sourceReports(now: Now): readonly SourceReport[] {
    return this.sources.sourceReports(this.clock.now(now.raw));
  }

  sourcestats(now: Now): readonly SourcestatsReport[] {
    return this.sources.sourcestatsReports(this.clock.now(now.raw));
  }

  selectdata(now: Now): readonly SelectReport[] {
    return this.sources.selectReports(this.clock.now(now.raw));
  }

  refclocks(now: Now): readonly RefclockReport[] {
    return this.manager.reports(this.context(now));
  }

  stabilityReport(): StabilityReport {
    const { sigma, wander, drift, oneSided } = this.discipline.belief;
    const nameOf = (i: number): string | undefined => (this.sources.has(i) ? this.sources.info(i).name : undefined);
    return { series: this.stability.report(nameOf), noise: { sigma, wander, drift, oneSided } };
  }

  /** NTP sources only, as chrony counts them. */
  activity(): ActivityReport {
    return this.ntp.sources.activity();
  }

  /** Names that have no address yet. */
  unresolved(): readonly UnresolvedReport[] {
    return this.ntp.sources.unresolved();
  }

  ntpData(address: string): NtpDataReport | undefined {
    return this.ntp.sources.ntpData(address);
  }

  /** Id of the symmetric key of a source, 0 = none; undefined: there is no such source. */
  keyOf(address: string): number | undefined {
    return this.ntp.sources.keyOf(address);
  }

  /** The same for a source that has not answered yet. */
  unheard(address: string): NtpDataReport | undefined {
    return this.ntp.sources.unheard(address);
  }

  /** Addresses of the NTP sources that are polled. */
  onlineAddresses(): ReadonlySet<string> {
    return this.ntp.sources.onlineAddresses();
  }

  /** The name by which the configuration calls the source at an address. */
  sourceName(address: string): string | undefined {
    return this.ntp.sources.nameOf(address);
  }
}
