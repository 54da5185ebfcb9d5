/** The tables of docs/discipline.md, between marks `<!-- NAME -->` and `<!-- /NAME -->`. */
import type { BenchRow, Figures, ScenarioRow } from './figures.js';

/** Figures that were aimed at, ns; what each trace is. */
const TRACES: Readonly<Record<string, readonly [aim: number | undefined, what: string]>> = {
  S1: [230, 'pulses scatter by 1 µs, wander 1 ppb/√s'],
  S1b: [71, 'pulses scatter by 200 ns'],
  S1c: [126, 'quiet oscillator, 0.1 ppb/√s'],
  S2: [290, 'S1 and a temperature of 1 ppm, a period an hour'],
  S3: [245, 'S1, 2 % of pulses 1 ms off, 5 % missing'],
  S4: [undefined, 'S1, an hour without pulses'],
  S4q: [undefined, 'S1c, an hour without pulses'],
  S5: [72, 'cold start 50 ms and 20 ppm off, 200 ns'],
  S6: [16e6, 'sentences only: 10 ms, and a slow bias of 20 ms'],
  S7: [230, 'pulses of S1, numbered by the sentences of S6'],
  S8: [6e3, 'NTP every 16 s, queues of 50 µs up and 20 µs down'],
  S9: [150, 'interrupts served late, exponential of 1 µs'],
};

/** Pages of scenarios that disturb the clock. */
const DISTURBED =
  /outlier|burst|nois|shifted|edge|foreign|suspend|jump|sawtooth|temperature|tempcomp|fallback|sensor|storm/;

const ns = (x: number | null): string => {
  if (x === null || !Number.isFinite(x)) return '–';
  if (x >= 1e6) return `${(x / 1e6).toPrecision(3)} ms`;
  return x >= 1e4 ? `${(x / 1e3).toPrecision(3)} µs` : `${x < 99.95 ? x.toFixed(1) : x.toFixed(0)}`;
};

/** s, with a unit. */
const span = (s: number | null): string => {
  if (s === null || !Number.isFinite(s)) return '–';
  if (s < 1e-6) return `${(s * 1e9).toPrecision(3)} ns`;
  if (s < 1e-3) return `${(s * 1e6).toPrecision(3)} µs`;
  return s < 1 ? `${(s * 1e3).toPrecision(3)} ms` : `${s.toPrecision(3)} s`;
};

const ratio = (x: number, to: number | null): string => (to === null ? '–' : (x / to).toFixed(2));
const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');

const inOrder = (rows: Readonly<Record<string, BenchRow>>): [string, BenchRow][] =>
  Object.keys(TRACES).flatMap((name): [string, BenchRow][] => {
    const row = rows[name];
    return row === undefined ? [] : [[name, row]];
  });

const benchTable = ({ bench }: Figures): string =>
  table(
    ['', 'what', 'limit', 'chronyd stock', 'chronyd tuned', 'timeball', 'of limit', 'aim', 'max', 'freq ppb', 'bound'],
    inOrder(bench).map(([name, r]) => [
      name,
      TRACES[name]![1],
      ns(r.limit),
      ns(r.stock),
      ns(r.tuned),
      `**${ns(r.rms)}**`,
      ratio(r.rms, r.limit),
      ns(TRACES[name]![0] ?? null),
      ns(r.max),
      r.freqPpb.toPrecision(3),
      `${(r.bound / r.rms).toFixed(1)} × rms, ${(100 * r.outside).toFixed(3)} % outside`,
    ]),
  );

const startLine = ({ bench, others }: Figures): string => {
  const within = (r: BenchRow | undefined): string => (r?.settle1us == null ? '–' : `${r.settle1us} s`);
  return `Cold start (S5), until the error stays within 1 µs: limit 2 s, chronyd stock 50 s, chronyd tuned 4 s, timeball ${within(bench['S5'])} (other seeds ${within(others['S5'])}).`;
};

const othersTable = ({ others }: Figures): string =>
  table(
    ['', 'limit', 'timeball', 'least … most', 'of limit', 'bound'],
    inOrder(others).map(([name, r]) => [
      name,
      ns(r.limit),
      `**${ns(r.rms)}**`,
      `${ns(r.rmsLeast)} … ${ns(r.rmsMost)}`,
      ratio(r.rms, r.limit),
      `${(r.bound / r.rms).toFixed(1)} × rms, ${(100 * r.outside).toFixed(3)} % outside`,
    ]),
  );

const holdTable = ({ hold }: Figures): string =>
  table(
    ['', 'after 60 s: limit, timeball', '600 s', '3600 s', 'of limit at 600 s', 'within 5 µs again'],
    Object.entries(hold).map(([name, r]) => [
      name,
      ...['60', '600', '3600'].map((t) => `${span(r.limit[t]! * 1e-9)}, **${span(r.ours[t]! * 1e-9)}**`),
      ratio(r.ours['600']!, r.limit['600']!),
      r.reacquire5us === null ? '–' : `${r.reacquire5us} s`,
    ]),
  );

const boundsOf = (r: ScenarioRow): string =>
  r.bounds
    .map((b) => {
      const parts = [
        b.rmsAllowed === null ? '' : `rms ${span(b.rms)} (≤ ${span(b.rmsAllowed)})`,
        b.maxAllowed === null ? '' : `max ${span(b.max)} (≤ ${span(b.maxAllowed)})`,
      ];
      return `${b.name}: ${parts.filter((p) => p !== '').join(', ')}`;
    })
    .join('; ');

const worldsTable = ({ scenarios }: Figures): string =>
  table(
    ['world', 'what', 'error (allowed)', 'negative control', 'worse by (asked)'],
    scenarios
      .filter((r) => DISTURBED.test(r.name))
      .map((r) => [`\`${r.name}\``, r.what, boundsOf(r), r.control, `${r.worse.toPrecision(3)} (${r.worseAsked})`]),
  );

const honestyTable = ({ scenarios }: Figures): string =>
  table(
    [
      'world',
      'seconds synchronised',
      'outside the bound',
      'excused',
      'other objections',
      'fullest',
      'median bound / rms',
    ],
    scenarios
      .filter((r) => r.synchronised > 0)
      .map((r) => [
        `\`${r.name}\``,
        String(r.synchronised),
        String(r.outside),
        String(r.excused),
        String(r.otherViolations),
        `${(100 * r.nearest).toFixed(0)} %`,
        r.laziness.toFixed(1),
      ]),
  );

const honestyLine = ({ scenarios, bench, others }: Figures): string => {
  const seconds = scenarios.reduce((sum, r) => sum + r.synchronised, 0);
  const outside = scenarios.reduce((sum, r) => sum + r.outside, 0);
  const worst = Math.max(...[...Object.values(bench), ...Object.values(others)].map((r) => r.outside));
  return `All worlds together: ${outside} of ${seconds} seconds outside (${((100 * outside) / seconds).toFixed(4)} %); of the traces, other seeds included, at most ${(100 * worst).toFixed(3)} % in one row.`;
};

const weeksLine = ({ weeks: w }: Figures): string => {
  if (w === null) return 'Not run yet.';
  const outside = `${w.outside} of ${w.synchronised} seconds outside the bound`;
  const verdict = w.failed.length === 0 ? 'nothing objected to' : `objections at seeds ${w.failed.join(', ')}`;
  return `${w.runs} runs of ${w.hours / 24} days: ${verdict}; ${w.violations} violations, ${outside}; synchronised ${((100 * w.synchronised) / w.seconds).toFixed(1)} % of the time; largest error while synchronised ${span(w.worst)}; an error took up at most ${(100 * w.nearest).toFixed(0)} % of its bound.`;
};

const costLine = ({ cost }: Figures): string =>
  `A pulse costs ${cost.pulseMean.toFixed(0)} µs of CPU on the average, ${cost.pulseP99.toFixed(0)} µs at the 99th percentile, with everything that follows from it in the engine (${cost.cpu}, Node ${cost.node}).`;

const PARTS: Readonly<Record<string, (f: Figures) => string>> = {
  bench: benchTable,
  start: startLine,
  others: othersTable,
  hold: holdTable,
  worlds: worldsTable,
  honesty: honestyTable,
  'honesty-sum': honestyLine,
  weeks: weeksLine,
  cost: costLine,
};

/** The page with its tables written anew. Throws where a mark is missing. */
export const withFigures = (page: string, figures: Figures): string => {
  let text = page;
  for (const [name, part] of Object.entries(PARTS)) {
    const mark = new RegExp(`(<!-- ${name} -->\\n)[\\s\\S]*?(<!-- /${name} -->)`);
    if (!mark.test(text)) throw new Error(`the page has no place for ${name}`);
    text = text.replace(mark, (_, begin: string, end: string) => `${begin}\n${part(figures)}\n\n${end}`);
  }
  return text;
};
