import { quantity, scientific, text } from '../figures.js';
import { askList, type QueryData, refuseCsv } from '../query.js';
import type { Session } from '../session.js';

const TITLES: Readonly<Record<string, string>> = {
  clock: 'Clock against the selected source',
  oscillator: 'Oscillator, as it would run alone, against the selected source',
};
const BAR = 40;

const title = (s: QueryData): string => {
  const what = s['kind'] === 'source' ? `Source ${text(s['name'])} against the clock` : TITLES[String(s['kind'])];
  const every = typeof s['intervalSeconds'] === 'number' ? `, every ${s['intervalSeconds']} s` : '';
  return `${what ?? text(s['kind'])}${every}`;
};

const objects = (list: unknown): QueryData[] => (Array.isArray(list) ? (list as QueryData[]) : []);

const table = (s: QueryData): string[] => {
  const rows = objects(s['deviations']);
  if (rows.length === 0) return ['  nothing measured yet'];
  const columns = (cells: readonly string[]): string => cells.map((c, i) => c.padStart(i === 0 ? 9 : 11)).join('');
  return [
    columns(['tau', 'ADEV', 'TDEV', 'MTIE', 'terms']),
    ...rows.map((d) =>
      columns([
        `${text(d['tauSeconds'])} s`,
        scientific(d['adev']),
        quantity(d['tdevSeconds']),
        quantity(d['mtieSeconds']),
        text(d['terms']),
      ]),
    ),
  ];
};

const jitter = (j: QueryData | null | undefined, verbose: boolean): string[] => {
  if (j === null || j === undefined) return [];
  const figures = (['p50', 'p90', 'p99', 'max', 'mean'] as const).map((k) => `${k} ${quantity(j[`${k}Seconds`])}`);
  const bins = verbose ? (j['histogram'] as [number, number, number][]) : [];
  const most = Math.max(1, ...bins.map(([, , n]) => n));
  return [
    `  residuals: ${figures.join(', ')} (${text(j['count'])})`,
    ...bins.map(([from, to, n]) => {
      const range = `${quantity(from).padStart(9)} ..${quantity(to).padStart(9)}`;
      return `  ${range} ${'#'.repeat(Math.ceil((BAR * n) / most)).padEnd(BAR)} ${n}`;
    }),
  ];
};

const noise = (n: QueryData): string =>
  [
    'Learned noise',
    `  measurements  ${quantity(n['sigmaSeconds'])}, one-sided by ${Math.round(100 * Number(n['oneSided']))} %`,
    `  wander        ${scientific(n['wander'])} /sqrt(s)`,
    `  drift         ${scientific(n['drift'])} /s/sqrt(s)`,
    '',
  ].join('\n');

/** `timeball stability [-v]`: deviations over averaging times, residuals, learned noise; `-v`: histograms. */
export const stability = async (session: Session, verbose: boolean): Promise<void> => {
  refuseCsv(session);
  const { head, items } = await askList(session, 'stability');
  const learned = (head['noise'] ?? {}) as QueryData;
  if (session.mode === 'json') {
    session.io.out(`${JSON.stringify({ series: items, noise: learned })}\n`);
    return;
  }
  const blocks = items.map((s) =>
    [title(s), ...table(s), ...jitter(s['jitter'] as QueryData | null, verbose), ''].join('\n'),
  );
  session.io.out(`${blocks.join('\n')}\n${noise(learned)}`);
};
