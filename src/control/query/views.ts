/** Reports as JSON: names carry their units, absent values are null. */
import { add, toIso } from '../../base/time.js';
import type { BoundReport } from '../../core/report/bound.js';
import type { RefclockReport, SelectReport, TrackingReport } from '../../core/report/reports.js';
import type { Jitter, NoiseReport, SeriesReport } from '../../core/report/stability.js';

export type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json };
export type JsonObject = { readonly [key: string]: Json };

/** Figures are estimates: more digits would only fill the datagram. */
const DIGITS = 6;

const figure = (x: number | undefined): number | null =>
  x === undefined || !Number.isFinite(x) ? null : Number.isInteger(x) ? x : Number(x.toPrecision(DIGITS));

export const trackingView = (t: TrackingReport): JsonObject => ({
  mode: t.mode,
  name: t.name,
  stratum: t.stratum,
  synchronised: t.leap !== 3,
  refTime: toIso(t.referenceTime),
  systemTimeSlowSeconds: figure(t.currentCorrection),
  rootDelaySeconds: figure(t.rootDelay),
  rootDispersionSeconds: figure(t.rootDispersion),
});

export const boundView = (b: BoundReport): JsonObject => ({
  status: b.status,
  systemTime: toIso(b.at),
  earliest: toIso(add(b.at, -b.bound)),
  latest: toIso(add(b.at, b.bound)),
  boundSeconds: figure(b.bound),
  driftPpm: figure(b.drift * 1e6),
});

export const selectView = (s: SelectReport): JsonObject => ({
  name: s.name,
  state: s.state,
  reason: s.reason,
  score: figure(s.score),
  // The protocol's word for never.
  lastRxSeconds: s.sinceSample === 0xffffffff ? null : figure(s.sinceSample),
});

export const refclockView = (r: RefclockReport): JsonObject => ({
  name: r.name,
  driver: r.driver,
  device: r.device,
  deviceState: r.deviceState,
  lock: r.lock ?? null,
  numbering: r.numbering,
  numberingReason: r.numberingReason,
  latencyMedianSeconds: figure(r.latencyMedian),
  latencySpreadSeconds: figure(r.latencySpread),
  latencyDriftPpm: figure(r.latencyDrift === undefined ? undefined : r.latencyDrift * 1e6),
  chronyOffsetSeconds: figure(r.chronyOffset),
  serialDelaySeconds: figure(r.serialDelay),
  jitterSeconds: figure(r.jitter),
  satellitesUsed: figure(r.satellitesUsed),
  satellitesVisible: figure(r.satellitesVisible),
  sinceMessageSeconds: figure(r.sinceMessage),
  sincePulseSeconds: figure(r.sincePulse),
  sinceFixSeconds: figure(r.sinceFix),
  accepted: r.samplesAccepted,
  rejected: { ...r.rejected },
  lastReason: r.lastReason ?? null,
});

const jitterView = (j: Jitter): JsonObject => ({
  count: j.count,
  meanSeconds: figure(j.mean),
  p50Seconds: figure(j.p50),
  p90Seconds: figure(j.p90),
  p99Seconds: figure(j.p99),
  maxSeconds: figure(j.max),
  histogram: j.histogram.map(([from, to, count]) => [figure(from), figure(to), count]),
});

export const seriesView = (s: SeriesReport): JsonObject => ({
  kind: s.kind,
  name: s.name,
  intervalSeconds: s.interval ?? null,
  deviations: s.deviations.map((d) => ({
    tauSeconds: d.tau,
    adev: figure(d.adev),
    tdevSeconds: figure(d.tdev),
    mtieSeconds: figure(d.mtie),
    terms: d.terms,
  })),
  jitter: s.jitter === undefined ? null : jitterView(s.jitter),
});

export const noiseView = (n: NoiseReport): JsonObject => ({
  sigmaSeconds: figure(n.sigma),
  wander: figure(n.wander),
  drift: figure(n.drift),
  oneSided: figure(n.oneSided),
});
