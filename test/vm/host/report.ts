/** What the lab hands back: lines to read, a JSON file, plots, and on request the table of docs/lab.md. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { draw } from '../../figures/charts.js';
import { repoRoot } from '../../support/peers.js';
import type { Result, Scenario, Verdict } from '../scenario.js';
import { lockedAfter, ns, pooled, quantile, rms, slowestLock } from '../score.js';

export interface Outcome {
  readonly scenario: Scenario;
  readonly results: readonly Result[];
  readonly verdicts: readonly Verdict[];
  /** Did the verdicts that the negative control is to fail, fail? */
  readonly control: readonly Verdict[];
  /** Of this computer's time. */
  readonly seconds: number;
}

/** Of its JSON file. */
interface Kept extends Pick<Outcome, 'verdicts' | 'control' | 'seconds'> {
  readonly runs: readonly Omit<Result, 'verdicts'>[];
}

export const OUT = join(repoRoot, 'dist', 'vm');
const DOCS = join(repoRoot, 'docs');
const SETTLED_S = 120;
const LEAST_NS = 1;

export const passed = ({ verdicts, control }: Outcome): boolean => [...verdicts, ...control].every(({ ok }) => ok);

export const line = ({ text, ok, seen }: Verdict): string =>
  `${ok ? 'ok  ' : 'FAIL'} ${text}${seen === '' ? '' : `: ${seen}`}`;

const figures = ({ daemon, seed, points }: Result): Record<string, string | number> => {
  const locked = lockedAfter(points);
  return {
    daemon,
    seed,
    lockedAfterSeconds: Number.isFinite(locked) ? locked : 'never',
    p50Ns: quantile(points, 0.5, SETTLED_S),
    p99Ns: quantile(points, 0.99, SETTLED_S),
    rmsNs: rms(points, SETTLED_S),
    worstNs: quantile(points, 1, SETTLED_S),
  };
};

/** Each daemon's run with the first seed. */
const firstOfEach = ({ daemons }: Scenario, results: readonly Result[]): Result[] =>
  daemons.map((daemon) => results.find((result) => result.daemon === daemon)!);

const plot = (scenario: Scenario, results: readonly Result[], path: string): void =>
  draw(
    {
      title: scenario.about,
      x: { name: "s since the daemon's start", max: scenario.seconds },
      y: { name: '|REALTIME − truth|, ns', log: true, min: LEAST_NS },
      lines: firstOfEach(scenario, results).map(({ daemon, points }) => ({
        name: daemon,
        width: 1,
        points: points.map(([t, error]) => [t, Math.max(LEAST_NS, Math.abs(error))] as const),
      })),
    },
    path,
  );

/** Results of each scenario as JSON, and its plot. */
export const keep = (outcome: Outcome): void => {
  const { scenario, results, verdicts, control, seconds } = outcome;
  mkdirSync(OUT, { recursive: true });
  const { name, about } = scenario;
  const summary = { name, about, passed: passed(outcome), seconds, figures: results.map(figures), verdicts, control };
  const runs = results.map(({ daemon, seed, log, shown, points }) => ({ daemon, seed, log, shown, points }));
  writeFileSync(join(OUT, `${name}.json`), `${JSON.stringify({ ...summary, runs })}\n`);
  plot(scenario, results, join(OUT, `${name}.png`));
};

const row = ({ name }: Scenario, results: readonly Result[]): string => {
  const points = pooled(results);
  const locked = slowestLock(results);
  const cells = [0.5, 0.99, 1].map((q) => ns(quantile(points, q, SETTLED_S)));
  const start = Number.isFinite(locked) ? `${locked.toFixed(1)} s` : 'never';
  const seeds = results.map(({ seed }) => seed).join(', ');
  return `| ${name} | ${results[0]!.daemon} | ${seeds} | ${start} | ${ns(rms(points, SETTLED_S))} | ${cells.join(' | ')} |`;
};

const compared = (outcomes: readonly Outcome[]): Outcome[] =>
  outcomes.filter(({ scenario }) => scenario.daemons.length > 1);

const table = (outcomes: readonly Outcome[]): string[] => {
  const head = ['scenario', 'daemon', 'seeds', 'within 1 µs after', 'rms', 'median', 'p99', 'worst'];
  const rows = compared(outcomes).flatMap(({ scenario, results }) =>
    scenario.daemons.map((daemon) =>
      row(
        scenario,
        results.filter((r) => r.daemon === daemon),
      ),
    ),
  );
  return [`| ${head.join(' | ')} |`, `|${head.map(() => '---').join('|')}|`, ...rows];
};

const details = (outcomes: readonly Outcome[]): string[] =>
  outcomes.flatMap(({ scenario, verdicts, control, seconds }) => [
    '',
    `### ${scenario.name}`,
    '',
    `${scenario.about}. ${seconds.toFixed(0)} s of the computer's time.`,
    '',
    ...verdicts.map(
      ({ text, ok, seen }) => `- ${ok ? 'passed' : '**failed**'}: ${text}${seen === '' ? '' : ` (${seen})`}`,
    ),
    ...control.map(
      ({ text, ok, seen }) => `- control ${ok ? 'fails as it should' : '**does not fail**'}: ${text} (${seen})`,
    ),
  ]);

/** Writes an event log as hw-fixtures has them: a better engine answers better, so what this one answered is left out. */
export const keepTrace = ({ name, about }: Scenario, events: string): string => {
  const path = join(OUT, `${name}.jsonl`);
  mkdirSync(OUT, { recursive: true });
  const note = `# ${about}.\n# Recorded in the lab (docs/lab.md, scenario ${name}) by a daemon with -x.\n`;
  writeFileSync(path, note + events.replaceAll(/,"effects":"[0-9a-f]+"\}$/gm, '}'));
  return path;
};

/** The outcome that `keep` wrote last; undefined: none. */
export const kept = (scenario: Scenario): Outcome | undefined => {
  const path = join(OUT, `${scenario.name}.json`);
  if (!existsSync(path)) return undefined;
  const { verdicts, control, seconds, runs } = JSON.parse(readFileSync(path, 'utf8')) as Kept;
  return { scenario, verdicts, control, seconds, results: runs.map((run) => ({ ...run, verdicts: [] })) };
};

/** Writes the table, the verdicts and the plots of the last outcome of each scenario into docs/lab.md, between its two marks. */
export const writeDocs = (scenarios: readonly Scenario[]): void => {
  const outcomes = scenarios.map(kept).filter((outcome) => outcome !== undefined);
  const path = join(DOCS, 'lab.md');
  const [start, end] = ['<!-- results -->', '<!-- end of results -->'];
  const text = readFileSync(path, 'utf8');
  const [from, to] = [text.indexOf(start) + start.length, text.indexOf(end)];
  const plots = compared(outcomes);
  for (const { scenario, results } of plots) plot(scenario, results, join(DOCS, `lab-${scenario.name}.png`));
  const pictures = plots.map(({ scenario }) => `![${scenario.about}](lab-${scenario.name}.png)`);
  const body = [...table(outcomes), '', ...pictures.flatMap((picture) => [picture, '']), ...details(outcomes).slice(1)];
  writeFileSync(path, `${text.slice(0, from)}\n\n${body.join('\n')}\n\n${text.slice(to)}`);
};

export const show = (outcomes: readonly Outcome[]): string => table(outcomes).join('\n');
