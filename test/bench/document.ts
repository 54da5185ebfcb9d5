/**
 * Puts runs of the benchmark into docs/performance.md (between its two marks) and draws docs/performance.svg.
 *
 *   node dist/test/bench/document.js RUN.json…      (outputs of `npm run bench -- --json`)
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { repoRoot } from '../support/peers.js';
import { median, type Spread } from './figures.js';
import type { Part } from './main.js';
import { type Bar, plot } from './plot.js';
import type { Report } from './report.js';

const MARK = /(<!-- figures -->\n).*(<!-- end of figures -->)/s;

interface Line {
  readonly title: string;
  readonly parts: readonly Part[];
}

/** Parts of all runs that measured the same. */
const linesOf = (reports: readonly Report[]): Line[] => {
  const lines = new Map<string, Part[]>();
  for (const p of reports.flatMap((r) => r.parts)) {
    const load = p.load === 1 ? 'saturation' : `${p.load * 100} %`;
    const title = `${p.mode}, ${p.clients} client${p.clients === 1 ? '' : 's'}, ${load}`;
    lines.set(title, [...(lines.get(title) ?? []), p]);
  }
  return [...lines].map(([title, parts]) => ({ title, parts }));
};

/** Median of the runs' medians, with the whole range of their pairs. */
const joined = (spreads: readonly Spread[]): Spread => ({
  median: median(spreads.map((s) => s.median)),
  low: Math.min(...spreads.map((s) => s.low)),
  high: Math.max(...spreads.map((s) => s.high)),
});

const both = (parts: readonly Part[], of: (p: Part, who: 'timeball' | 'chronyd') => number, digits: number): string =>
  (['timeball', 'chronyd'] as const).map((who) => median(parts.map((p) => of(p, who))).toFixed(digits)).join(' · ');

const range = (s: Spread): string => `${s.median.toFixed(2)} (${s.low.toFixed(2)}–${s.high.toFixed(2)})`;

const row = ({ title, parts }: Line): string => {
  const cells = [
    title,
    range(joined(parts.map((p) => (p.load === 1 ? p.cpuRatio : p.latencyRatio)))),
    both(parts, (p, who) => p[who].cpuUs, 2),
    both(parts, (p, who) => p[who].latencyP50Us, 1),
    both(parts, (p, who) => p[who].t3p50Us, 2),
    both(parts, (p, who) => p[who].t3p99Us, 2),
    both(parts, (p, who) => p[who].interleavedShare * 100, 0),
    both(parts, (p, who) => p[who].rssMb, 0),
    `${parts.reduce((n, p) => n + p.runs, 0)} in ${parts.length}`,
  ];
  return `| ${cells.join(' | ')} |`;
};

const HEAD = [
  '| what | ratio (range) | CPU a request, µs | latency p50, µs | T3 error p50, µs | T3 error p99, µs | interleaved, % | RSS, MB | pairs in runs |',
  '|---|---|---|---|---|---|---|---|---|',
];

const rest = (reports: readonly Report[]): string[] => {
  const out: string[] = [];
  for (const mode of ['basic', 'interleaved'] as const) {
    const rates = reports.flatMap((r) => r.maxRates?.[mode] ?? []);
    if (rates.length === 0) continue;
    const ratios = rates.flatMap((r) => r.ratio ?? []);
    const ratio = ratios.length > 0 ? `, ratio ${range(joined(ratios))}` : '';
    const k = (who: 'timeball' | 'chronyd'): string => (median(rates.map((r) => r[who])) / 1000).toFixed(0);
    out.push(`- Highest rate at no more than 0.1 % loss, ${mode}: ${k('timeball')} k/s · ${k('chronyd')} k/s${ratio}.`);
  }
  const floods = reports.flatMap((r) => r.flood ?? []);
  if (floods.length > 0) {
    const percent = (of: 'answered' | 'interleaved', who: 'timeball' | 'chronyd'): string =>
      (median(floods.map((f) => f[who][of])) * 100).toFixed(2);
    const shares = (who: 'timeball' | 'chronyd'): string =>
      `${percent('answered', who)} % and ${percent('interleaved', who)} %`;
    const forged = (median(floods.map((f) => f.timeball.forgedRate)) / 1000).toFixed(0);
    const beside = `beside ${forged} k/s of a million forged addresses`;
    out.push(`- 1000 good clients ${beside}, answered and interleaved: ${shares('timeball')} · ${shares('chronyd')}.`);
  }
  const first = reports.flatMap((r) => r.firstReply ?? []);
  if (first.length > 0) {
    const ms = (who: 'timeball' | 'chronyd'): string => median(first.map((f) => f[who].median)).toFixed(0);
    out.push(`- First reply after exec of the whole daemon: ${ms('timeball')} ms · ${ms('chronyd')} ms.`);
  }
  const workers = reports.flatMap((r) => r.workers ?? []);
  if (workers.length > 0) {
    const mid = (of: 'one' | 'two' | 'worth'): string => median(workers.map((w) => w[of])).toFixed(2);
    out.push(`- Two workers are worth ${mid('worth')} of one (CPU a request ${mid('one')} and ${mid('two')} µs).`);
  }
  return out;
};

const controls = (reports: readonly Report[]): string[] => {
  const names = [...new Set(reports.flatMap((r) => Object.keys(r.controls)))];
  if (names.length === 0) return [];
  const lines = names.map((name) => {
    const runs = reports.flatMap((r) => r.controls[name] ?? []);
    const pair = (of: 'cpuUs' | 't3p50Us' | 't3p99Us'): string =>
      (['ours', 'control'] as const).map((who) => median(runs.map((r) => r[who][of])).toFixed(2)).join(' · ');
    return `| \`${name}\` | ${pair('cpuUs')} | ${pair('t3p50Us')} | ${pair('t3p99Us')} |`;
  });
  return [
    '',
    'Negative controls, ours · changed:',
    '',
    '| changed | CPU a request, µs | T3 error p50, µs | T3 error p99, µs |',
    '|---|---|---|---|',
    ...lines,
  ];
};

const paths = process.argv.slice(2);
const reports = paths.map((path) => JSON.parse(readFileSync(path, 'utf8')) as Report);
const [first] = reports;
if (first === undefined) throw new Error('no runs given');
const lines = linesOf(reports);
const machine = `${first.cpu}, Linux ${first.kernel}, Node ${first.node}; ${reports.length} runs.`;
const text = [machine, '', ...HEAD, ...lines.map(row), '', ...rest(reports), ...controls(reports), ''].join('\n');
const page = join(repoRoot, 'docs', 'performance.md');
writeFileSync(
  page,
  readFileSync(page, 'utf8').replace(MARK, (_, begin: string, end: string) => `${begin}\n${text}\n${end}`),
);

const saturated = lines.filter((l) => l.parts[0]!.load === 1);
const bars: Bar[] = saturated.map(({ title, parts }) => ({
  title: title.replace(', saturation', ''),
  ratio: joined(parts.map((p) => p.cpuRatio)),
  t3: [median(parts.map((p) => p.timeball.t3p99Us)), median(parts.map((p) => p.chronyd.t3p99Us))],
}));
writeFileSync(join(repoRoot, 'docs', 'performance.svg'), plot(bars, machine));
