/** Charts of docs/discipline.md: ECharts draws SVG, resvg makes PNG of it, with a font that comes along. */
import { writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { Resvg } from '@resvg/resvg-js';
import * as echarts from 'echarts';

const FONT = createRequire(import.meta.url).resolve('dejavu-fonts-ttf/ttf/DejaVuSans.ttf');
const WIDTH = 900;
const HEIGHT = 420;
/** Pixels of the PNG a unit of the drawing. */
const SCALE = 1.5;

export interface Line {
  readonly name: string;
  readonly points: readonly (readonly [number, number])[];
  readonly color?: string;
  readonly width?: number;
  readonly dashed?: boolean;
  /** As separate dots. */
  readonly dots?: boolean;
}

export interface Axis {
  readonly name: string;
  readonly log?: boolean;
  readonly min?: number;
  readonly max?: number;
}

export interface Chart {
  readonly title: string;
  readonly x: Axis;
  readonly y: Axis;
  readonly lines: readonly Line[];
}

const COLORS = ['#2b6cb0', '#c05621', '#718096', '#2f855a', '#6b46c1', '#b83280'];
const POWERS = '⁰¹²³⁴⁵⁶⁷⁸⁹';

const power = (value: number): string => {
  const p = Math.round(Math.log10(value));
  return `10${p < 0 ? '⁻' : ''}${[...String(Math.abs(p))].map((digit) => POWERS[Number(digit)]).join('')}`;
};

const axis = ({ name, log, min, max }: Axis, nameGap: number): echarts.XAXisComponentOption => ({
  type: log ? 'log' : 'value',
  name,
  nameLocation: 'middle',
  nameGap,
  ...(min === undefined ? {} : { min }),
  ...(max === undefined ? {} : { max }),
  splitLine: { show: true, lineStyle: { color: '#e2e8f0' } },
  axisLine: { onZero: false },
  ...(log ? { axisLabel: { formatter: power } } : {}),
});

const series = (line: Line, i: number): echarts.SeriesOption => {
  const color = line.color ?? COLORS[i % COLORS.length]!;
  const data = line.points.map(([x, y]) => [x, y]);
  if (line.dots) return { type: 'scatter', name: line.name, data, symbolSize: 3, itemStyle: { color } };
  return {
    type: 'line',
    name: line.name,
    data,
    showSymbol: false,
    lineStyle: { color, width: line.width ?? 1.5, type: line.dashed ? 'dashed' : 'solid' },
    itemStyle: { color },
  };
};

export const draw = (chart: Chart, path: string): void => {
  const canvas = echarts.init(null, null, { renderer: 'svg', ssr: true, width: WIDTH, height: HEIGHT });
  canvas.setOption({
    animation: false,
    backgroundColor: '#fff',
    textStyle: { fontFamily: 'DejaVu Sans' },
    title: { text: chart.title, left: 'center', top: 8, textStyle: { fontSize: 15, fontWeight: 'normal' } },
    // Without a canvas widths of text are guessed: room for the error.
    legend: { top: 36, itemGap: 36, itemWidth: 16, itemHeight: 4, icon: 'rect' },
    grid: { left: 80, right: 30, top: 70, bottom: 55 },
    xAxis: axis(chart.x, 30),
    yAxis: axis(chart.y, 60) as echarts.YAXisComponentOption,
    series: chart.lines.map(series),
  });
  const svg = canvas.renderToSVGString();
  canvas.dispose();
  const font = { loadSystemFonts: false, fontFiles: [FONT], defaultFontFamily: 'DejaVu Sans' };
  writeFileSync(path, new Resvg(svg, { font, fitTo: { mode: 'zoom', value: SCALE } }).render().asPng());
};
