import type { Instant } from '../base/time.js';
import { type Frequency, PPM, type Seconds } from '../base/units.js';
import type { Measured } from '../core/refclock/manager.js';
import type { NtpDataReport, SelectReport, SourcestatsReport, TrackingReport } from '../core/report/reports.js';
import type { Trace } from '../core/report/traces.js';
import type { Sample } from '../core/sample.js';

interface LastEstimate {
  readonly freq: number;
  readonly skew: number;
}

/** Association modes as they stand in a packet (RFC 5905, 7.3). */
const PACKET_MODE = { active: 1, passive: 2, server: 4 } as const;

/** Makes the lines of chrony's log files out of what happens, for those logs that are wanted. */
export class Tracer {
  private readonly wanted: ReadonlySet<Trace['log']>;
  private readonly emit: (trace: Trace) => void;
  /** Samples since the last poll, a source. */
  private readonly sequence: Map<string, number> = new Map();
  private readonly last: (LastEstimate | undefined)[];

  constructor(wanted: ReadonlySet<Trace['log']>, sources: number, emit: (trace: Trace) => void) {
    this.wanted = wanted;
    this.emit = emit;
    this.last = new Array<LastEstimate | undefined>(sources).fill(undefined);
  }

  wants(log: Trace['log']): boolean {
    return this.wanted.has(log);
  }

  /** `correction`: cooked − raw now, s. */
  measured(m: Measured, refid: string, correction: Seconds): void {
    if (!this.wants('refclocks')) return;
    const { time: at, offset, leap, peerDispersion } = m.sample;
    const sequence = this.sequence.get(refid) ?? 0;
    this.sequence.set(refid, sequence + 1);
    const raw = { sequence, pulse: m.pulse, offset: offset + correction };
    this.emit({ log: 'refclocks', at, refid, raw, leap, cookedOffset: offset, dispersion: peerDispersion });
  }

  /** The filtered sample of a poll. */
  filtered(sample: Sample, refid: string): void {
    if (!this.wants('refclocks')) return;
    this.sequence.set(refid, 0);
    const { time: at, offset: cookedOffset, leap, peerDispersion: dispersion } = sample;
    this.emit({ log: 'refclocks', at, refid, raw: undefined, leap, cookedOffset, dispersion });
  }

  statistics(source: number, r: SourcestatsReport, at: Instant): void {
    const last = this.last[source];
    const freq = r.residualFreqPpm * PPM;
    const skew = r.skewPpm * PPM;
    this.last[source] = { freq, skew };
    const diffFreq = last === undefined ? 0 : freq - last.freq;
    this.emit({
      log: 'statistics',
      at,
      source: r.name,
      stdDev: r.stdDev,
      offsetFast: r.offsetFast,
      offsetSd: r.offsetError,
      diffFreq,
      skew,
      stress: last === undefined || last.skew === 0 ? 0 : Math.abs(diffFreq) / last.skew,
      samples: r.samples,
      start: 0,
      runs: r.runs,
      asymmetry: 0,
    });
  }

  measurement(r: NtpDataReport, localPollLog2: number, pollScore: number, at: Instant): void {
    const { leap, stratum, tests, offset, peerDelay, peerDispersion, rootDelay, rootDispersion, refId } = r;
    const { interleaved, txSource, rxSource } = r;
    this.emit({
      log: 'measurements',
      at,
      source: r.remoteAddress,
      leap,
      stratum,
      tests,
      localPollLog2,
      remotePollLog2: r.pollLog2,
      pollScore,
      offset,
      peerDelay,
      peerDispersion,
      rootDelay,
      rootDispersion,
      refId,
      mode: PACKET_MODE[r.mode],
      interleaved,
      txSource,
      rxSource,
    });
  }

  selection(r: SelectReport, reach: number, at: Instant): void {
    const { name: source, state, authenticated, effective: options, score, sinceSample } = r;
    const { lowLimitFast, highLimitFast } = r;
    this.emit({
      log: 'selection',
      at,
      source,
      state,
      authenticated,
      options,
      reach,
      score,
      sinceSample,
      lowLimitFast,
      highLimitFast,
    });
  }

  tempcomp(temperature: number, compensationPpm: number, at: Instant): void {
    if (this.wants('tempcomp')) this.emit({ log: 'tempcomp', at, temperature, compensationPpm });
  }

  tracking(
    t: TrackingReport,
    at: Instant,
    combined: number,
    bound: { readonly sd: Seconds; readonly halfWidth: Seconds },
  ): void {
    this.emit({
      log: 'tracking',
      at,
      reference: t.name,
      stratum: t.stratum,
      frequencyFastPpm: t.frequencyFastPpm,
      skewPpm: t.skewPpm,
      offsetFast: -t.lastOffset,
      leap: t.leap,
      combined,
      offsetSd: bound.sd,
      remaining: t.currentCorrection,
      rootDelay: t.rootDelay,
      rootDispersion: t.rootDispersion,
      maxError: bound.halfWidth,
    });
  }

  /** `maxError`: undefined before the first update, when nothing vouches for anything better than chronyd's seconds. */
  loss(t: TrackingReport, at: Instant, skew: Frequency, maxError: Seconds | undefined): void {
    const known = maxError !== undefined;
    this.emit({
      log: 'tracking',
      at,
      reference: '',
      stratum: 0,
      frequencyFastPpm: t.frequencyFastPpm,
      skewPpm: skew / PPM,
      offsetFast: 0,
      leap: 3,
      combined: 0,
      offsetSd: 0,
      remaining: t.currentCorrection,
      rootDelay: known ? t.rootDelay : 1,
      rootDispersion: known ? t.rootDispersion : 1,
      maxError: maxError ?? 1.5,
    });
  }
}
