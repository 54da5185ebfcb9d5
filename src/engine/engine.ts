/**
 * The one owner of state: an event comes in with what the clocks say, effects go out. Synchronous, no I/O, and no bad
 * input makes it throw. Everything it does can be replayed from its events.
 */
import { REFID_LOCAL, type RefId } from '../base/refid.js';
import { add, addMono, diff, diffMono, type Instant, type Mono } from '../base/time.js';
import { type Leap, PPM, type Seconds } from '../base/units.js';
import { type Correction, Discipline, type TrackingFigures } from '../core/discipline/discipline.js';
import { steeringTime } from '../core/discipline/steer.js';
import type { ServerState } from '../core/ntp/state.js';
import { type ClockContext, type Measured, RefclockManager } from '../core/refclock/manager.js';
import type {
  ActivityReport,
  ManualSampleReport,
  NtpDataReport,
  RefclockReport,
  SelectReport,
  SmoothingReport,
  SourceReport,
  SourcestatsReport,
  TrackingReport,
} from '../core/report/reports.js';
import type { StabilityReport } from '../core/report/stability.js';
import type { ClockChange } from '../core/sample.js';
import type { SourceDump } from '../core/sources/dump.js';
import { type Selection, SourceSet } from '../core/sources/sourceset.js';
import { Stability } from '../core/stability/stability.js';
import type { Fact } from '../ports/observer.js';
import { CookedClock } from './clock.js';
import { type CommandHands, frequencyFast, runCommand } from './commands.js';
import type { EngineConfig } from './config.js';
import type { Effect, Event, Now } from './events.js';
import { LeapKeeper } from './leap.js';
import { LocalReference } from './local.js';
import { ManualInput } from './manual.js';
import { NtpSide } from './ntp.js';
import { PollTimers } from './polls.js';
import { RecentMeasurements, rebaseMeasured } from './recent.js';
import { Smoothing } from './smoothing.js';
import { localState, unsynchronisedState } from './states.js';
import { Tracer } from './tracer.js';

/** s between steering updates while a correction is being slewed out. */
const STEER_INTERVAL = 1;
/** s after the start during which a sentence source that numbers a pulse source leaves the first move to the pulses. */
const PULSE_GRACE = 10;
/** s after a step of the raw clock during which stamps taken before it may still come in. */
const STEP_GUARD = 5;
/** s without an accepted measurement after which the discipline holds over. */
const HOLD_AFTER = 5;
/** The same for a source on the network, in its polling intervals. */
const HOLD_POLLS = 4;

/** What we are synchronised to, also in holdover. */
interface Reference {
  readonly stratum: number;
  readonly refId: RefId;
  readonly name: string;
  readonly address: string | undefined;
  readonly rootDelay: Seconds;
  readonly rootDispersion: Seconds;
}

type FactLike = Omit<Fact, 'at'>;

/** The clocks while an event is handled. */
type Moment = { raw: Instant; mono: Mono };

export class Engine {
  readonly clock: CookedClock;
  private readonly stability: Stability;
  private readonly config: EngineConfig;
  private readonly manager: RefclockManager;
  private readonly sources: SourceSet;
  private discipline: Discipline;
  private readonly polls: PollTimers;
  private readonly local: LocalReference;
  private readonly leap: LeapKeeper;
  private readonly manual: ManualInput;
  private readonly smoothing: Smoothing;
  private readonly recent: RecentMeasurements;
  private readonly ntp: NtpSide;
  private readonly deviceUp: boolean[];
  private readonly tau: Seconds;
  private selection: Selection | undefined;
  private reference: Reference | undefined;
  private started: Mono;
  private lastMeasure: Mono | undefined;
  private lastDriftSave: Mono | undefined;
  private lastStep: Mono | undefined;
  private referenceTime: Instant | undefined;
  /** Measurements of the event at hand that are still to be used: a correction by one re-bases the others. */
  private pending: Measured[] = [];
  private holding = false;
  /** While the last measurements of a new source are gone through a step waits for the end of them. */
  private warming = false;
  private stepWanted = false;
  /** The last correction by the operator. */
  private byHand: { readonly at: Mono; readonly offset: Seconds; readonly interval: Seconds } | undefined;
  /** The kernel's rate has changed, and with it how raw becomes cooked, since the server state was published. */
  private stale = false;
  private effects: Effect[] = [];
  /** One for the whole of an event: a step of the raw clock moves it, and nobody goes on with the time before it. */
  private moment: Moment;
  private readonly traces: Tracer;

  constructor(config: EngineConfig, now: Now) {
    this.config = config;
    const d = config.discipline;
    this.tau = Math.max(STEER_INTERVAL, d.corrtimeratio);
    this.clock = new CookedClock(config.control, d.maxslewratePpm * PPM, now.raw);
    this.manager = new RefclockManager(config.refclocks, config.precision, config.buildDate);
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
    this.leap = new LeapKeeper(d.leapsecmode, config.control !== undefined);
    this.traces = new Tracer(config.traces, infos.length, (trace) => this.effects.push({ kind: 'trace', trace }));
    this.recent = new RecentMeasurements();
    this.ntp = new NtpSide(config.ntpSources, config.precision, config.seed, {
      sources: this.sources,
      cook: (raw) => this.clock.now(raw),
      skewPpm: () => this.discipline.figures().skewPpm,
      effect: (effect) => {
        this.effects.push(effect);
        if (effect.kind === 'ntp-close') this.recent.drop(effect.source);
      },
      fact: (finding) => this.fact(this.moment, finding),
      select: () => this.select(this.moment),
      use: (m) => this.useNtp(m, this.moment),
    });
    this.moment = { ...now };
    this.deviceUp = infos.map(() => false);
    this.started = now.mono;
  }

  handle(event: Event, at: Now): readonly Effect[] {
    this.effects = [];
    const now: Moment = { ...at };
    this.moment = now;
    switch (event.kind) {
      case 'start':
        this.start(event.driftFreq, event.driftSkew, now);
        break;
      case 'tick':
        break;
      case 'pulse':
        if (this.isFresh(event.edge.time, event.source, now)) {
          this.measured(this.manager.pulse(event.source, event.edge, this.context(now)), now);
        }
        break;
      case 'message':
        if (this.isFresh(event.message.burstStart, event.source, now)) {
          this.measured(this.manager.message(event.source, event.message, this.context(now)), now);
        }
        break;
      case 'reading':
        if (this.isFresh(event.reading.local, event.source, now)) {
          this.measured(this.manager.reading(event.source, event.reading, this.context(now)), now);
        }
        break;
      case 'rejected':
        if (this.known(event.source)) this.manager.rejected(event.source, event.reason, event.count);
        break;
      case 'device':
        this.device(event, now);
        break;
      case 'clock-jump':
        this.clockJump(event.offset, now);
        break;
      case 'slept':
        this.slept(event.seconds, now);
        break;
      case 'command':
        this.effects.push({ kind: 'answer', answer: runCommand(event.command, this.hands(now)) });
        break;
      case 'ntp-sent':
      case 'ntp-failed':
      case 'ntp-reply':
      case 'ntp-resolved':
        this.ntp.handle(event, now);
        break;
      case 'restore':
        if (this.known(event.source)) this.sources.restore(event.source, event.dump);
        break;
    }
    this.housekeeping(now);
    const effects = this.effects;
    this.effects = [];
    return effects;
  }

  // ---- events -------------------------------------------------------------------------------------------------

  private start(driftFreq: number | undefined, driftSkew: number | undefined, now: Now): void {
    this.started = now.mono;
    // A replay knows the instant of this event, not that of the construction.
    this.polls.restart(now.mono);
    this.clock.setBase(now.raw, driftFreq ?? 0);
    if (driftFreq !== undefined) {
      this.discipline = new Discipline(this.config.discipline, { freq: driftFreq, skew: driftSkew ?? 0 });
    }
    this.ntp.start(now);
    this.steer(now);
    this.publish(now);
  }

  private device(event: Extract<Event, { kind: 'device' }>, now: Now): void {
    if (!this.known(event.source)) return;
    this.deviceUp[event.source] = event.state.kind === 'up';
    this.manager.device(event.source, event.state, this.context(now));
  }

  private clockJump(offset: Seconds, now: Now): void {
    if (this.leap.expectsJump(this.clock.now(now.raw), offset)) {
      // The kernel inserted or deleted the leap second that we armed: cooked time goes with it.
      this.changeHistory({ at: this.clock.now(now.raw), doffset: offset, dfreq: 0, kind: 'leap' }, now);
      this.clock.view = { ...this.clock.view, ref: add(this.clock.view.ref, offset) };
      this.publish(now);
      return;
    }
    this.clock.rawJumped(now.raw, offset);
    this.lastStep = now.mono;
    this.ntp.stepped(now);
    this.fact(now, {
      severity: 'warn',
      name: 'clock.foreign-step',
      text: `Detected a step of the system clock by ${offset.toFixed(6)} seconds made by another program`,
      fields: { offset },
    });
    this.steer(now);
    this.publish(now);
  }

  /** Nobody knows what the clock did meanwhile: time goes on with the RTC's, but is not vouched for until a reference says it. */
  private slept(seconds: Seconds, now: Now): void {
    this.clock.rawJumped(now.raw, seconds);
    this.clock.adjust(now.raw, seconds, 0);
    this.changeHistory({ at: this.clock.now(now.raw), doffset: seconds, dfreq: 0, kind: 'unknown' }, now);
    this.recent.clear();
    this.reference = undefined;
    this.referenceTime = undefined;
    this.lastMeasure = undefined;
    this.lastStep = now.mono;
    this.ntp.stepped(now);
    const text = `The machine slept for ${seconds.toFixed(1)} seconds`;
    this.fact(now, { severity: 'warn', name: 'clock.slept', text, fields: { seconds } });
    this.steer(now);
    this.publish(now);
  }

  /** What commands may touch, at this moment. */
  private hands(now: Moment): CommandHands {
    return {
      clock: this.clock,
      manager: this.manager,
      sources: this.sources,
      local: this.local,
      manual: this.manual,
      smoothing: this.smoothing,
      ntp: this.ntp.sources,
      mono: now.mono,
      maxdrift: this.config.discipline.maxdriftPpm * PPM,
      discipline: () => this.discipline,
      cooked: () => this.clock.now(now.raw),
      step: () => this.step(now),
      select: () => this.select(now),
      resetSources: () => {
        for (let i = 0; i < this.config.refclocks.length; i++) this.sources.reset(i);
        this.ntp.sources.reset();
      },
      adjust: (doffset, dfreq) => {
        const at = this.clock.now(now.raw);
        this.clock.adjust(now.raw, doffset, dfreq);
        this.changeHistory({ at, doffset, dfreq, kind: 'adjust' }, now);
        this.steer(now);
        this.publish(now);
      },
      setByHand: (offset) => this.setByHand(offset, now),
      publish: () => this.publish(now),
      fact: (finding) => this.fact(now, finding),
      shutdown: () => {
        this.saveDrift(now);
        this.effects.push({ kind: 'exit', code: 0, reason: 'shutdown' });
      },
    };
  }

  private setByHand(offset: Seconds, now: Now): void {
    const interval = this.byHand === undefined ? 0 : diffMono(now.mono, this.byHand.at);
    this.byHand = { at: now.mono, offset, interval };
    if (Math.abs(offset) <= this.config.discipline.logchange) return;
    const text = `System clock wrong by ${offset.toFixed(6)} seconds`;
    this.fact(now, { severity: 'warn', name: 'discipline.wrong', text, fields: { offset } });
  }

  // ---- measurements -------------------------------------------------------------------------------------------

  private measured(list: readonly Measured[], now: Now): void {
    this.pending = [...list];
    for (let m = this.pending.shift(); m !== undefined; m = this.pending.shift()) {
      this.recent.push(m);
      this.traces.measured(m, this.manager.name(m.source), this.clock.correction(now.raw));
      if (this.isSettled()) this.stability.measured(m.source, m.sample.time, m.sample.offset);
      const selected = this.selection?.selected;
      if (m.source === selected) this.update(m, now);
      // A new source need not wait a whole poll interval for its first statistics.
      if (this.polls.early(m.source)) this.poll(m.source, now);
    }
  }

  private update(m: Measured, now: Now): void {
    const { time, offset } = m.sample;
    if (this.leap.isNear(time)) return;
    const pending = this.clock.correction(now.raw);
    const { sigma, relative, source } = m;
    const correction = this.discipline.measure({ time, offset, sigma, relative, source, pending });
    this.facts(now, correction.facts);
    if (correction.exit !== undefined) this.effects.push({ kind: 'exit', ...correction.exit });
    if (!correction.accepted) return;
    if (this.isSettled()) this.stability.used(m.source, time, offset);
    this.lastMeasure = now.mono;
    this.holding = false;
    this.referenceTime = time;
    this.apply(correction, time, now);
    if (this.smoothing.settles(this.discipline.figures().skewPpm, this.clock.now(now.raw))) {
      this.fact(now, { severity: 'info', name: 'smoothing.active', text: 'Activated time smoothing' });
    }
    this.publish(now);
    if (this.traces.wants('tracking')) {
      this.traces.tracking(this.tracking(now), time, this.selection?.combined.length ?? 0, this.discipline.bound(time));
    }
  }

  /** A good exchange with an NTP server. */
  private useNtp(m: Measured, now: Now): Measured {
    this.recent.push(m);
    if (this.isSettled()) this.stability.measured(m.source, m.sample.time, m.sample.offset);
    if (m.source === this.selection?.selected) this.update(m, now);
    return this.recent.of(m.source).at(-1)!;
  }

  private apply(c: Correction, at: Instant, now: Now): void {
    // The correction belongs to the instant of the measurement; by now its frequency part has had time to act.
    const late = diff(this.clock.now(now.raw), at);
    this.clock.adjust(now.raw, c.doffset + c.dfreq * late, c.dfreq);
    this.changeHistory({ at, doffset: c.doffset, dfreq: c.dfreq, kind: c.step ? 'step' : 'adjust' }, now);
    this.stepWanted ||= c.step;
    if (this.stepWanted && !this.warming) this.step(now);
    else this.steer(now);
  }

  /** Every holder of cooked history follows a change of the cooked clock. */
  private changeHistory(change: ClockChange, now: Now): void {
    this.smoothChange(change, now);
    this.manual.rebase(change);
    this.manager.rebase(change);
    this.sources.rebase(change);
    this.ntp.sources.rebase(change);
    this.discipline.rebase(change);
    this.stability.changed(change, this.clock.base);
    this.recent.rebase(change);
    rebaseMeasured(this.pending, change);
  }

  /** What clients notice of a change of the cooked clock (already made). */
  private smoothChange(change: ClockChange, now: Now): void {
    const { smoothing } = this;
    const cooked = this.clock.now(now.raw);
    const { doffset, dfreq, kind } = change;
    if (kind === 'adjust') smoothing.corrected(cooked, doffset + dfreq * (diff(cooked, change.at) - doffset), dfreq);
    else if (kind === 'leap') smoothing.leapt(cooked, doffset, this.config.discipline.leapsecmode === 'slew');
    else smoothing.reset(cooked);
  }

  // ---- polls and selection ------------------------------------------------------------------------------------

  private poll(source: number, now: Now): void {
    const result = this.manager.poll(source, this.context(now));
    this.polls.polled(source, result.sample !== undefined, now.mono);
    this.sources.reach(source, result.reached);
    if (result.sample !== undefined) {
      this.sources.accumulate(source, result.sample);
      this.traces.filtered(result.sample, this.manager.name(source));
      if (this.traces.wants('statistics'))
        this.traces.statistics(source, this.sourcestats(now)[source]!, this.clock.now(now.raw));
    }
    this.select(now);
  }

  private select(now: Now): void {
    if (this.leavesFirstMoveToPulses(now)) return;
    const before = this.selection?.selected;
    const selection = this.sources.select(this.clock.now(now.raw));
    this.selection = selection;
    this.facts(now, selection.facts);
    this.leap.vote(selection.leap, this.clock.now(now.raw));
    const selected = selection.selected;
    if (selected !== undefined && selected !== before) {
      // By index: every update re-bases the measurements after it, and a stale copy would be corrected for again.
      const recent = this.recent.of(selected);
      // One step for all of them, when the last has said what it knows: each alone would leave its noise to be slewed.
      this.warming = true;
      for (let i = 0; i < recent.length; i++) this.update(recent[i]!, now);
      this.warming = false;
      if (this.stepWanted) this.step(now);
    }
    if (selected === undefined && before !== undefined) this.hold(now);
  }

  /** True while nothing has been selected yet and a pulse source that could be selected is about to be numbered. */
  private leavesFirstMoveToPulses(now: Now): boolean {
    if (this.selection?.selected !== undefined || this.referenceTime !== undefined) return false;
    if (diffMono(now.mono, this.started) > PULSE_GRACE) return false;
    return this.config.refclocks.some(
      (o, i) => o.lock !== '' && !o.noselect && this.deviceUp[i] && this.recent.of(i).length === 0,
    );
  }

  /** A source on the network speaks once a poll; a few of its replies may be lost. */
  private holdAfter(): Seconds {
    return Math.max(HOLD_AFTER, HOLD_POLLS * (this.ntp.sources.pollInterval(this.selection?.selected) ?? 0));
  }

  private hold(now: Now): void {
    if (this.holding) return;
    this.holding = true;
    this.discipline.hold(this.clock.now(now.raw));
    this.publish(now);
  }

  // ---- clock --------------------------------------------------------------------------------------------------

  private steer(now: Now): void {
    if (this.config.control === undefined) return;
    const { sd } = this.discipline.bound(this.clock.now(now.raw));
    const freq = this.clock.steer(now.raw, steeringTime(this.clock.correction(now.raw), sd, this.tau));
    if (freq === undefined) return;
    this.effects.push({ kind: 'set-frequency', freq });
    this.stale = true;
  }

  private step(now: Moment): void {
    this.stepWanted = false;
    const step = this.clock.step(now.raw);
    if (step !== undefined) {
      now.raw = step.raw;
      this.lastStep = now.mono;
      this.ntp.stepped(now);
      this.effects.push({ kind: 'step-clock', offset: step.offset });
      this.smoothing.reset(this.clock.now(now.raw));
      this.fact(now, {
        severity: 'warn',
        name: 'clock.step',
        text: `System clock was stepped by ${step.offset.toFixed(6)} seconds`,
        fields: { offset: step.offset },
      });
    }
    this.steer(now);
    this.publish(now);
  }

  /** Stamps that were taken before the raw clock was stepped, but come in after it, are on the old scale. */
  private isFresh(stamp: Instant, source: number, now: Now): boolean {
    if (!this.known(source)) return false;
    if (this.lastStep === undefined) return true;
    const sinceStep = diffMono(now.mono, this.lastStep);
    if (sinceStep > STEP_GUARD) return true;
    const age = diff(now.raw, stamp);
    if (age >= 0 && age <= sinceStep) return true;
    this.manager.rejected(source, 'before-step', 1);
    return false;
  }

  private isSettled(): boolean {
    return this.discipline.mode === 'tracking' || this.discipline.mode === 'holdover';
  }

  private known(source: number): boolean {
    return source >= 0 && source < this.config.refclocks.length;
  }

  // ---- regular work -------------------------------------------------------------------------------------------

  private housekeeping(now: Now): void {
    for (const source of this.polls.due(now.mono)) this.poll(source, now);
    this.ntp.due(now);
    this.facts(now, this.manager.takeFacts());
    if (this.lastMeasure !== undefined && diffMono(now.mono, this.lastMeasure) > this.holdAfter()) this.hold(now);
    this.doLeap(now);
    if (this.config.control !== undefined && this.clock.correction(now.raw) !== 0) this.steer(now);
    if (this.stale || this.holding || this.smoothing.moving || this.selection?.selected === undefined)
      this.publish(now);
    const interval = this.config.driftInterval;
    if (interval > 0 && this.lastMeasure !== undefined) {
      this.lastDriftSave ??= now.mono;
      if (diffMono(now.mono, this.lastDriftSave) >= interval) this.saveDrift(now);
    }
    this.effects.push({ kind: 'wake', at: this.nextWake(now) });
  }

  private doLeap(now: Now): void {
    const due = this.leap.due(this.clock.now(now.raw));
    if (due === undefined) return;
    // Without the kernel's help cooked time makes the leap itself.
    this.clock.adjust(now.raw, due, 0);
    this.changeHistory({ at: this.clock.now(now.raw), doffset: due, dfreq: 0, kind: 'leap' }, now);
    this.fact(now, {
      severity: 'info',
      name: 'clock.leap',
      text: due < 0 ? 'Inserted leap second' : 'Deleted leap second',
    });
    this.step(now);
  }

  private nextWake(now: Now): Mono {
    const second = addMono(now.mono, STEER_INTERVAL);
    const poll = this.polls.next();
    const leap = this.leap.nextAt(this.clock.now(now.raw));
    let wake = poll !== undefined && poll < second ? poll : second;
    const request = this.ntp.sources.next();
    if (request !== undefined && request < wake) wake = request;
    if (leap !== undefined && leap < STEER_INTERVAL) {
      const at = addMono(now.mono, Math.max(0, leap));
      if (at < wake) wake = at;
    }
    return wake;
  }

  private saveDrift(now: Now): void {
    this.lastDriftSave = now.mono;
    if (this.lastMeasure === undefined || this.config.driftInterval <= 0) return;
    // The file says how fast the oscillator is; base is what is added to make it right.
    const fast = frequencyFast(this.clock.base);
    this.effects.push({ kind: 'save-drift', freqPpm: fast / PPM, skewPpm: this.discipline.figures().skewPpm });
  }

  // ---- what others see ----------------------------------------------------------------------------------------

  /** The state that the packet plane answers with, also published as an effect whenever it changes. */
  serverState(now: Now): ServerState {
    const cooked = this.clock.now(now.raw);
    const synced = this.synchronised(now);
    const base = {
      precision: Math.round(Math.log2(this.config.precision)),
      view: this.clock.view,
      dispersionAt: cooked,
      dispersionRate: this.config.discipline.maxclockerrorPpm * PPM,
    };
    if (this.local.active(synced ? this.ownDistance(now) : undefined, this.sinceUpdate(now), this.sinceStart(now))) {
      return localState(base, this.local.stratum);
    }
    if (!synced) return unsynchronisedState(base);
    const reference = this.reference!;
    const bound = this.discipline.bound(cooked);
    return {
      ...base,
      leap: this.announcedLeap(cooked),
      stratum: reference.stratum + 1,
      refId: reference.refId,
      referenceTime: this.referenceTime!,
      rootDelay: reference.rootDelay,
      rootDispersion: reference.rootDispersion + bound.dispersion,
      dispersionRate: bound.dispersionRate,
    };
  }

  /** A leap second that is smeared is none to the clients. */
  private announcedLeap(cooked: Instant): Leap {
    const leap = this.leap.announced(cooked);
    const smeared = this.smoothing.enabled && this.config.discipline.leapsecmode === 'slew';
    return smeared && leap !== 3 ? 0 : leap;
  }

  private publish(now: Now): void {
    const selection = this.selection;
    if (!this.holding && selection?.selected !== undefined && this.referenceTime !== undefined) {
      this.reference = {
        stratum: selection.stratum,
        refId: selection.refId,
        rootDelay: selection.rootDelay,
        rootDispersion: selection.rootDispersion,
        name: this.sources.info(selection.selected).name,
        address: this.sources.info(selection.selected).address,
      };
    }
    const state = this.serverState(now);
    this.local.note(state.leap !== 3 && state.refId !== REFID_LOCAL ? this.ownDistance(now) : undefined);
    this.effects.push({
      kind: 'server-state',
      state: this.smoothing.serve(state, this.clock.now(now.raw), this.config.precision),
    });
    this.stale = false;
    if (this.config.control !== undefined) {
      const synchronised = state.leap !== 3;
      const error = synchronised ? state.rootDelay / 2 + state.rootDispersion : 16;
      this.effects.push({
        kind: 'clock-status',
        status: {
          leap: this.leap.forKernel(this.clock.now(now.raw), state.leap),
          synchronised: synchronised && this.config.rtcsync,
          maxError: error + Math.abs(this.clock.correction(now.raw)),
          estError: synchronised ? this.discipline.bound(this.clock.now(now.raw)).sd : 16,
        },
      });
    }
  }

  private synchronised(now: Now): boolean {
    if (this.reference === undefined || this.referenceTime === undefined) return false;
    return this.ownDistance(now) <= this.config.selection.maxdistance;
  }

  private ownDistance(now: Now): Seconds {
    if (this.reference === undefined) return Number.POSITIVE_INFINITY;
    const { rootDelay, rootDispersion } = this.reference;
    return rootDelay / 2 + rootDispersion + this.discipline.bound(this.clock.now(now.raw)).dispersion;
  }

  private sinceUpdate(now: Now): Seconds | undefined {
    return this.lastMeasure === undefined ? undefined : diffMono(now.mono, this.lastMeasure);
  }

  private sinceStart(now: Now): Seconds {
    return diffMono(now.mono, this.started);
  }

  private context(now: Now): ClockContext {
    const synced = this.synchronised(now);
    return {
      now: this.clock.now(now.raw),
      view: this.clock.view,
      synchronised: synced,
      rootDistance: synced ? this.ownDistance(now) : Number.POSITIVE_INFINITY,
      stratum: synced ? this.reference!.stratum + 1 : 16,
      localActive: this.local.wasActive,
      selected: this.selectedRefclock(),
    };
  }

  private selectedRefclock(): number | undefined {
    const selected = this.selection?.selected;
    return selected !== undefined && this.known(selected) ? selected : undefined;
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

  /** Of the last correction, by a source or by hand. */
  private figures(): TrackingFigures {
    const figures = this.discipline.figures();
    const { byHand, lastMeasure } = this;
    if (byHand === undefined || (lastMeasure !== undefined && lastMeasure > byHand.at)) return figures;
    const { offset: lastOffset, interval: updateInterval } = byHand;
    return { ...figures, lastOffset, rmsOffset: Math.abs(lastOffset), updateInterval };
  }

  manualList(): readonly ManualSampleReport[] {
    return this.manual.list();
  }

  /** Undefined: not configured. */
  smoothingReport(now: Now): SmoothingReport | undefined {
    return this.smoothing.report(this.clock.now(now.raw));
  }

  /** History of the sources, for a restart. */
  dumps(): readonly SourceDump[] {
    return this.sources.dumps();
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

  ntpData(address: string): NtpDataReport | undefined {
    return this.ntp.sources.ntpData(address);
  }

  /** The name by which the configuration calls the source at an address. */
  sourceName(address: string): string | undefined {
    return this.ntp.sources.nameOf(address);
  }

  private facts(now: Now, facts: readonly FactLike[]): void {
    for (const f of facts) this.fact(now, f);
  }

  private fact(now: Now, f: FactLike): void {
    this.effects.push({ kind: 'fact', fact: { ...f, at: this.clock.now(now.raw) } });
  }
}
