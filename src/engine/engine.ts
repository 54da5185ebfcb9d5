/**
 * The one owner of state: an event comes in with what the clocks say, effects go out. Synchronous, no I/O, and no bad
 * input makes it throw. Everything it does can be replayed from its events.
 */
import { REFID_LOCAL } from '../base/refid.js';
import { add, addMono, diff, diffMono, type Instant, type Mono } from '../base/time.js';
import { type Frequency, PPM, type Seconds } from '../base/units.js';
import { type Correction, Discipline } from '../core/discipline/discipline.js';
import type { Received } from '../core/ntp/client/association.js';
import type { ServerState } from '../core/ntp/state.js';
import type { Measured } from '../core/refclock/manager.js';
import { type ClockChange, timeShift } from '../core/sample.js';
import type { Fact } from '../ports/observer.js';
import { type CommandHands, frequencyFast, runCommand } from './commands.js';
import type { EngineConfig } from './config.js';
import type { Effect, Event, Now } from './events.js';
import type { NtpSide } from './ntp.js';
import { NtpPhases } from './phases.js';
import { rebaseMeasured } from './recent.js';
import { EngineState, type Moment } from './state.js';
import { STEER_INTERVAL } from './steering.js';

/** s after a step of the raw clock during which stamps taken before it may still come in. */
const STEP_GUARD = 5;

type FactLike = Omit<Fact, 'at'>;

export class Engine extends EngineState {
  protected readonly ntp: NtpSide;
  private readonly phases: NtpPhases;

  constructor(config: EngineConfig, now: Now) {
    super(config, now);
    this.phases = new NtpPhases(config, {
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
      server: () => this.serverState(this.moment),
      served: () => this.servedState(this.moment),
      heard: (source, received) => this.heard(source, received, this.moment),
      correct: (offset, step) => {
        this.adjustClock(offset, 0, this.moment);
        return !step || this.step(this.moment);
      },
    });
    this.ntp = this.phases.ntp;
  }

  handle(event: Event, at: Now): readonly Effect[] {
    this.effects = [];
    const now: Moment = { ...at };
    this.moment = now;
    switch (event.kind) {
      case 'start':
        this.rtc.start(event.rtc, event.rtcSet === true);
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
          this.leapData.message(event.message);
          this.measured(this.manager.message(event.source, event.message, this.context(now)), now);
        }
        break;
      case 'pulse-error':
        if (this.known(event.source)) this.manager.pulseError(event.source, event.foretold);
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
      case 'frequency-late':
        this.clock.rawJumped(now.raw, event.offset);
        this.stale = true;
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
        this.phases.handle(event, now);
        break;
      case 'rtc-device':
      case 'rtc-update': {
        const slew = this.rtc.handle(event, (raw) => this.clock.now(raw), this.rtcMoment(now));
        if (slew !== undefined) this.adjustClock(slew, 0, now);
        break;
      }
      case 'temperature':
        if (this.warmth === undefined) this.temperature(event.value, now);
        else this.warm(this.warmth.sense(event.value, now.mono), event.value, now);
        break;
      case 'leap-table':
      case 'ptp-time':
        this.leapData.handle(event);
        break;
      case 'restore':
        if (!this.sources.has(event.source)) break;
        this.sources.restore(event.source, event.dump);
        this.fact(now, { severity: 'info', name: 'source.restored', text: `Loaded dump file for ${event.dump.name}` });
        this.select(now);
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
    this.driftSkew = driftSkew ?? 1;
    // A replay knows the instant of this event, not that of the construction.
    this.polls.restart(now.mono);
    this.clock.setBase(now.raw, driftFreq ?? 0);
    if (driftFreq !== undefined) {
      this.discipline = new Discipline(this.config.discipline, { freq: driftFreq, skew: driftSkew ?? 0 });
    }
    this.phases.start(now);
    this.steer(now);
    this.publish(now);
    this.traceLoss(now);
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
    this.sawStep(now);
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
    this.distrust(seconds, now);
    this.sawStep(now);
    const text = `The machine slept for ${seconds.toFixed(1)} seconds`;
    this.fact(now, { severity: 'warn', name: 'clock.slept', text, fields: { seconds } });
    this.steer(now);
    this.publish(now);
  }

  /** The raw clock was stepped: stamps from before are on the old scale. */
  private sawStep(now: Now): void {
    this.lastStep = now.mono;
    this.phases.stepped(now);
  }

  /** UTC and cooked time have moved against each other by an unknown amount: what is known of the offset is void. */
  private distrust(doffset: Seconds, now: Now): void {
    this.changeHistory({ at: this.clock.now(now.raw), doffset, dfreq: 0, kind: 'unknown' }, now);
    this.recent.clear();
    this.reference = undefined;
    this.referenceTime = undefined;
    this.lastMeasure = undefined;
  }

  private temperature(value: number, now: Now): void {
    const { ppm, fact } = this.tempcomp.apply(value, this.clock, now.raw);
    if (fact !== undefined) this.fact(now, fact);
    if (ppm === undefined) return;
    this.traces.tempcomp(value, ppm, this.clock.now(now.raw));
    this.steer(now);
    this.publish(now);
  }

  /** Without reference the clock follows what the temperature is known to do to the oscillator. */
  private warm(dfreq: Frequency, value: number, now: Now): void {
    if (dfreq === 0) return;
    this.clock.follow(now.raw, dfreq);
    this.discipline.followed(dfreq);
    this.traces.tempcomp(value, dfreq / PPM, this.clock.now(now.raw));
    this.steer(now);
    this.publish(now);
  }

  /** Long without reference: on with what the frequency was on the average of such a time (fallbackdrift). */
  private fallBack(now: Now): void {
    if (this.warmth?.guides) return;
    const freq = this.fallback?.due(this.sinceUpdate(now) ?? 0);
    if (freq === undefined) return;
    this.adjustClock(0, (1 + freq) / (1 + this.clock.base) - 1, now);
    const fast = frequencyFast(freq) / PPM;
    const text = `Fallback drift: frequency set to the long-term average of ${fast.toFixed(3)} ppm`;
    this.fact(now, { severity: 'info', name: 'discipline.fallback', text, fields: { freqPpm: fast } });
  }

  private adjustClock(doffset: Seconds, dfreq: number, now: Now): void {
    const at = this.clock.now(now.raw);
    this.clock.adjust(now.raw, doffset, dfreq);
    this.changeHistory({ at, doffset, dfreq, kind: 'adjust' }, now);
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
      rtc: this.rtc,
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
        this.traceLoss(now);
      },
      adjust: (doffset, dfreq) => this.adjustClock(doffset, dfreq, now),
      setByHand: (offset) => this.setByHand(offset, now),
      publish: () => this.publish(now),
      fact: (finding) => this.fact(now, finding),
      shutdown: () => {
        this.steering.leave();
        this.steer(now);
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
    const interval = this.polls.interval(source);
    const correction = this.discipline.measure({ time, offset, sigma, relative, source, pending, interval });
    this.facts(now, correction.facts);
    if (correction.exit !== undefined) this.effects.push({ kind: 'exit', ...correction.exit });
    if (!correction.accepted) return;
    if (this.isSettled()) this.stability.used(m.source, time, offset);
    this.fallback?.observe(this.clock.base, this.sinceUpdate(now) ?? 0);
    if (this.isSettled()) this.warmth?.observe(this.clock.base, this.sinceUpdate(now) ?? 0);
    const held = this.holding && this.lastMeasure !== undefined ? diffMono(now.mono, this.lastMeasure) : undefined;
    this.lastMeasure = now.mono;
    this.holding = false;
    if (held !== undefined) {
      const text = `Reference is back after ${held.toFixed(0)} seconds of holdover`;
      this.fact(now, { severity: 'info', name: 'clock.holdover-end', text, fields: { seconds: held } });
    }
    this.referenceTime = time;
    this.upstream = m.sample.rootDispersion - m.sample.peerDispersion + (m.error ?? 0) + this.config.precision;
    this.apply(correction, time, now);
    if (this.smoothing.settles(this.discipline.figures().skewPpm, this.clock.now(now.raw))) {
      this.fact(now, { severity: 'info', name: 'smoothing.active', text: this.smoothing.beginning });
    }
    this.publish(now);
    this.traceUpdate(time, now);
  }

  /** A good exchange with an NTP server. */
  private useNtp(m: Measured, now: Now): Measured {
    this.recent.push(m);
    if (this.isSettled()) this.stability.measured(m.source, m.sample.time, m.sample.offset);
    if (m.source === this.selection?.selected) this.update(m, now);
    return this.recent.last(m.source)!;
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
    this.smoothing.changed(change, this.clock.now(now.raw), this.config.discipline.leapsecmode === 'slew');
    this.manual.rebase(change);
    this.rtc.rebase(change);
    this.manager.rebase(change);
    this.sources.rebase(change);
    this.phases.rebase(change);
    this.discipline.rebase(change);
    this.stability.changed(change, this.clock.base);
    this.recent.rebase(change);
    rebaseMeasured(this.pending, change);
    if (this.referenceTime !== undefined)
      this.referenceTime = add(this.referenceTime, timeShift(change, this.referenceTime));
  }

  private heard(source: number, received: Received, now: Now): void {
    if (!this.sources.has(source)) return;
    const { address, pollLog2 } = this.sources.info(source);
    if (this.traces.wants('measurements') && address !== undefined) {
      const data = this.ntp.sources.ntpData(address);
      const score = this.ntp.sources.pollScore(address);
      // A reply that was not even judged has left the report of the one before.
      if (data !== undefined && data.tests === received.tests)
        this.traces.measurement(data, pollLog2, score, this.clock.now(now.raw));
    }
    this.logSource(source, received.sample !== undefined, now);
  }

  /** Lines about a source that has been heard, and about the selection, which is of all; `sampled`: it has a new sample. */
  private logSource(source: number, sampled: boolean, now: Now): void {
    const at = this.clock.now(now.raw);
    if (sampled && this.traces.wants('statistics')) {
      this.traces.statistics(source, this.sourcestats(now)[this.sources.position(source)]!, at);
    }
    if (!this.traces.wants('selection')) return;
    const reports = this.sourceReports(now);
    for (const [i, r] of this.selectdata(now).entries()) this.traces.selection(r, reports[i]!.reach, at);
  }

  // ---- polls and selection ------------------------------------------------------------------------------------

  private poll(source: number, now: Now): void {
    const result = this.manager.poll(source, this.context(now));
    this.polls.polled(source, result.sample !== undefined, now.mono);
    this.sources.reach(source, result.reached);
    if (result.sample !== undefined) {
      this.sources.accumulate(source, result.sample);
      this.traces.filtered(result.sample, this.manager.name(source));
    }
    this.select(now);
    this.logSource(source, result.sample !== undefined, now);
  }

  private select(now: Now): void {
    if (this.phases.measuring || this.leavesFirstMoveToPulses(now)) return;
    const before = this.selection?.selected;
    const orphans = this.local.orphans((source) => this.ntp.sources.ownRefId(source));
    const selection = this.sources.select(this.clock.now(now.raw), orphans);
    this.selection = selection;
    this.facts(now, selection.facts);
    this.leap.vote(this.leapData.vote(selection.leap, this.clock.now(now.raw)), this.clock.now(now.raw));
    const selected = selection.selected;
    if (selected !== undefined && selected !== before) {
      if ([this.reference?.stratum, selection.stratum].some((n) => this.local.isOrphan(n)))
        this.rescale(selection.offset, now);
      // By index: every update re-bases the measurements after it, and a stale copy would be corrected for again.
      const many = this.recent.of(selected).length;
      // One step for all of them, when the last has said what it knows: each alone would leave its noise to be slewed.
      this.warming = true;
      for (let i = 0; i < many; i++) this.update(this.recent.of(selected)[i]!, now);
      this.warming = false;
      if (this.stepWanted) this.step(now);
    }
    if (selected === undefined && before !== undefined) this.hold(now);
  }

  /** Local times have nothing to do with one another: who changes from one to the next, or to true time, goes there. */
  private rescale(doffset: Seconds, now: Now): void {
    const most = this.config.discipline.maxchange?.offset ?? Number.POSITIVE_INFINITY;
    if (Math.abs(doffset) <= this.ownDistance(now) || Math.abs(doffset) > most) return;
    this.stepWanted ||= this.discipline.mayStep(this.clock.correction(now.raw) + doffset);
    const at = this.clock.now(now.raw);
    this.clock.adjust(now.raw, doffset, 0);
    this.changeHistory({ at, doffset, dfreq: 0, kind: 'scale' }, now);
  }

  private hold(now: Now): void {
    if (this.holding) return;
    this.holding = true;
    this.discipline.hold(this.clock.now(now.raw));
    this.warmth?.hold();
    if (this.referenceTime !== undefined) {
      const bound = this.ownDistance(now);
      const text = `Holding over without a reference, error bound ${bound.toExponential(1)} seconds`;
      this.fact(now, { severity: 'warn', name: 'clock.holdover', text, fields: { bound } });
    }
    this.publish(now);
  }

  private steer(now: Now): void {
    if (this.config.control === undefined) return;
    const { sd } = this.discipline.bound(this.clock.now(now.raw));
    const before = this.clock.kernel;
    const tau = this.steering.time(now.mono, this.discipline.mode, this.clock.correction(now.raw), sd);
    const freq = this.clock.steer(now.raw, tau);
    if (freq === undefined) return;
    this.effects.push({ kind: 'set-frequency', freq, change: freq - before });
    this.stale = true;
  }

  /** False: there is no control of the clock. */
  private step(now: Moment): boolean {
    this.stepWanted = false;
    const step = this.clock.step(now.raw);
    if (step !== undefined) {
      now.raw = step.raw;
      this.sawStep(now);
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
    return step !== undefined;
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

  // ---- regular work -------------------------------------------------------------------------------------------

  private housekeeping(now: Now): void {
    for (const source of this.polls.due(now.mono)) this.poll(source, now);
    this.phases.due(now);
    this.rtc.due(now.mono);
    this.facts(now, this.manager.takeFacts());
    this.facts(now, this.leapData.findings(this.clock.now(now.raw)));
    if (this.lastMeasure !== undefined && diffMono(now.mono, this.lastMeasure) > this.holdAfter()) this.hold(now);
    if (this.holding) this.fallBack(now);
    const local = this.local.news();
    if (local !== undefined) this.fact(now, local);
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
    const news = this.leap.news(this.clock.now(now.raw));
    if (news !== undefined) this.fact(now, { severity: 'info', name: 'clock.leap-flag', text: news });
    const due = this.leap.due(this.clock.now(now.raw));
    if (due === undefined) return;
    this.fact(now, { severity: 'info', name: 'clock.leap', text: this.leap.deed });
    if (due === 0) this.distrust(0, now);
    else {
      // Without the kernel's help cooked time makes the leap itself.
      this.clock.adjust(now.raw, due, 0);
      this.changeHistory({ at: this.clock.now(now.raw), doffset: due, dfreq: 0, kind: 'leap' }, now);
    }
    if (due !== 0 && this.config.discipline.leapsecmode !== 'slew') this.step(now);
    else {
      this.steer(now);
      this.publish(now);
    }
  }

  private nextWake(now: Now): Mono {
    const second = this.steering.wake(now.mono);
    const poll = this.polls.next();
    const leap = this.leap.nextAt(this.clock.now(now.raw));
    let wake = poll !== undefined && poll < second ? poll : second;
    const request = this.phases.next();
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

  // ---- to the outside ------------------------------------------------------------------------------------------

  private publish(now: Now): void {
    const selection = this.selection;
    if (!this.holding && selection?.selected !== undefined && this.referenceTime !== undefined) {
      this.reference = {
        stratum: selection.stratum,
        refId: selection.refId,
        rootDelay: selection.rootDelay,
        rootDispersion: this.upstream,
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
      this.effects.push({ kind: 'clock-status', status: this.kernelStatus(state, now) });
    }
  }

  /** What clients are told: smoothed. */
  private servedState(now: Now): ServerState {
    return this.smoothing.serve(this.serverState(now), this.clock.now(now.raw), this.config.precision);
  }

  private facts(now: Now, facts: readonly FactLike[]): void {
    for (const f of facts) this.fact(now, f);
  }

  private fact(now: Now, f: FactLike): void {
    this.effects.push({ kind: 'fact', fact: { ...f, at: this.clock.now(now.raw) } });
  }
}
