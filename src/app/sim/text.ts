import { refidToText } from '../../base/refid.js';
import { toIso } from '../../base/time.js';
import type { Seconds } from '../../base/units.js';
import type { ReplayResult } from '../../sim/replay.js';
import type { BoundResult, Outcome, Scenario } from '../../sim/scenario.js';

/** A small interval for people: three digits and a fitting unit. */
export const span = (s: Seconds | undefined): string => {
  if (s === undefined) return '-';
  const a = Math.abs(s);
  if (a < 1e-6) return `${(s * 1e9).toPrecision(3)} ns`;
  if (a < 1e-3) return `${(s * 1e6).toPrecision(3)} us`;
  if (a < 1) return `${(s * 1e3).toPrecision(3)} ms`;
  return `${s.toPrecision(3)} s`;
};

/** As much of a scenario as a list shows. */
type Listed = Pick<Scenario, 'name' | 'what'> & { readonly control: { readonly what: string } };

export const listText = (scenarios: readonly Listed[]): string =>
  scenarios.map((s) => `${s.name.padEnd(16)} ${s.what}\n${' '.repeat(17)}control: ${s.control.what}\n`).join('');

const boundLine = (b: BoundResult): string => {
  const limit = [
    b.rms === undefined ? '' : `rms <= ${span(b.rms)}`,
    b.max === undefined ? '' : `max <= ${span(b.max)}`,
  ];
  const figures = `rms ${span(b.served.rms)}  max ${span(b.served.max)}  raw clock rms ${span(b.raw.rms)}`;
  return `  ${b.ok ? 'ok  ' : 'FAIL'} ${b.name.padEnd(10)} ${figures}  (${limit.filter((l) => l !== '').join(', ')})\n`;
};

export const outcomeText = (
  scenario: Scenario,
  o: Outcome,
  worse: number | undefined,
  cpuSeconds: number,
  ok: boolean,
): string => {
  const speed = cpuSeconds > 0 ? `${(o.hours / cpuSeconds).toFixed(1)} virtual hours a CPU second` : '';
  const lines = [
    `${ok ? 'ok  ' : 'FAIL'} ${o.name}  seed ${o.seed}  ${o.hours} h  ${speed}\n`,
    ...o.bounds.map(boundLine),
    `  synchronised from ${o.firstSync ?? '-'} s, ${(100 * o.syncedShare).toFixed(1)} % of the time; violations ${o.violations}; median bound / rms ${o.boundLaziness.toFixed(1)}; largest move back ${span(o.largestBack)}\n`,
  ];
  if (o.network !== undefined) {
    const n = o.network;
    lines.push(
      `  network ${n.requests} requests, ${n.replies} replies; receive stamps rms ${span(n.rxRms)}, transmit basic ${span(n.basicTxRms)} (${n.basic}), interleaved ${span(n.interleavedTxRms)} (${n.interleaved})\n`,
    );
  }
  if (worse !== undefined) {
    const enough = worse >= scenario.control.factor ? 'ok  ' : 'FAIL';
    lines.push(
      `  ${enough} control    ${scenario.control.what}: ${worse.toPrecision(3)} x worse (asked ${scenario.control.factor} x)\n`,
    );
  }
  return lines.concat(o.failures.map((f) => `  FAIL ${f}\n`)).join('');
};

export const outcomeJson = (
  scenario: Scenario,
  o: Outcome,
  worse: number | undefined,
  cpuSeconds: number,
  ok: boolean,
): unknown => ({
  ...o,
  ok,
  cpuSeconds,
  control: worse === undefined ? undefined : { what: scenario.control.what, asked: scenario.control.factor, worse },
});

export const replayText = (r: ReplayResult): string => {
  const lines = [
    `${r.events} events, effects: ${Object.entries(r.effects)
      .map(([k, n]) => `${k} ${n}`)
      .join(', ')}\n`,
  ];
  if (r.verified > 0) {
    const where = r.divergedAt === undefined ? 'all as recorded' : `different from line ${r.divergedAt} on`;
    lines.push(`${r.verified} digests: ${where}\n`);
  }
  for (const fact of r.facts) lines.push(`  ${fact}\n`);
  const t = r.tracking;
  if (t !== undefined && r.end !== undefined) {
    lines.push(
      `at the end (${toIso(r.end.raw, 0)}): ${t.mode}, stratum ${t.stratum}, reference ${refidToText(t.refId)} ${t.name}\n`,
      `  correction ${span(t.currentCorrection)}, last offset ${span(t.lastOffset)}, rms ${span(t.rmsOffset)}\n`,
      `  frequency ${t.frequencyFastPpm.toFixed(3)} ppm fast, skew ${t.skewPpm.toFixed(3)} ppm, root dispersion ${span(t.rootDispersion)}\n`,
    );
  }
  return lines.join('');
};
