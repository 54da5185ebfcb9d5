import type { Spread } from './figures.js';

export interface Bar {
  readonly title: string;
  /** CPU a request, ours over chronyd's. */
  readonly ratio: Spread;
  /** T3 error p99 of ours and of chronyd, µs. */
  readonly t3: readonly [number, number];
}

const ROW = 34;
const LEFT = 190;
const PANEL = 300;
const TOP = 56;
const MAX_RATIO = 1.5;

const box = (x: number, y: number, width: number, height: number, fill: string): string =>
  `<rect x="${x.toFixed(1)}" y="${y}" width="${Math.max(0, width).toFixed(1)}" height="${height}" fill="${fill}"/>`;
const label = (x: number, y: number, content: string, anchor = 'start'): string =>
  `<text x="${x.toFixed(1)}" y="${y}" text-anchor="${anchor}">${content}</text>`;
const line = (x1: number, y1: number, x2: number, y2: number): string =>
  `<line x1="${x1.toFixed(1)}" y1="${y1}" x2="${x2.toFixed(1)}" y2="${y2}" stroke="#333"/>`;

/** Two panels: the ratio of CPU with its range, and the error of T3 beside chronyd's. */
export const plot = (bars: readonly Bar[], caption: string): string => {
  const height = TOP + bars.length * ROW + 40;
  const second = LEFT + PANEL + 40;
  const maxT3 = Math.max(1, ...bars.flatMap((b) => b.t3));
  const ratioX = (r: number): number => LEFT + (Math.min(MAX_RATIO, r) / MAX_RATIO) * PANEL;
  const t3X = (us: number): number => second + (Math.max(0, us) / maxT3) * (PANEL - 40);
  const out = bars.flatMap((b, i) => {
    const y = TOP + i * ROW;
    return [
      label(LEFT - 8, y + 16, b.title, 'end'),
      box(LEFT, y + 4, ratioX(b.ratio.median) - LEFT, 16, '#2b6cb0'),
      line(ratioX(b.ratio.low), y + 12, ratioX(b.ratio.high), y + 12),
      label(ratioX(Math.max(b.ratio.high, b.ratio.median)) + 4, y + 16, b.ratio.median.toFixed(2)),
      box(second, y + 2, t3X(b.t3[0]) - second, 9, '#2b6cb0'),
      box(second, y + 13, t3X(b.t3[1]) - second, 9, '#a0aec0'),
      label(t3X(b.t3[0]) + 4, y + 11, b.t3[0].toFixed(2)),
      label(t3X(b.t3[1]) + 4, y + 23, b.t3[1].toFixed(2)),
    ];
  });
  const bottom = TOP + bars.length * ROW;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${second + PANEL + 30}" height="${height}" font-family="sans-serif" font-size="12">`,
    '<rect width="100%" height="100%" fill="#fff"/>',
    label(LEFT, 22, 'CPU a request, timeball / chronyd (range of pairs)'),
    label(second, 22, 'T3 error p99, µs (blue timeball, grey chronyd)'),
    line(ratioX(1), TOP - 8, ratioX(1), bottom),
    label(ratioX(1), TOP - 12, '1.0', 'middle'),
    ...out,
    label(12, bottom + 28, caption),
    '</svg>',
    '',
  ].join('\n');
};
