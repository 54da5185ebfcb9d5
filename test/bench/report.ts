import type { Figures, Spread } from './figures.js';
import type { Flooded, MaxRates, Part } from './main.js';

export interface Report {
  readonly cpu: string;
  readonly kernel: string;
  readonly node: string;
  readonly pairs: number;
  readonly parts: readonly Part[];
  /** Requests a second at no more than 0.1 % loss. */
  readonly maxRates: Record<'basic' | 'interleaved', MaxRates> | undefined;
  /** Good clients beside forged ones. */
  readonly flood: Record<'timeball' | 'chronyd', Flooded> | undefined;
  /** ms from exec. */
  readonly firstReply: Record<'timeball' | 'chronyd', Spread> | undefined;
  /** CPU a request, µs, with one worker and with two; what two are worth of one. */
  readonly workers: { readonly one: number; readonly two: number; readonly worth: number } | undefined;
  readonly controls: Readonly<Record<string, { readonly ours: Figures; readonly control: Figures }>>;
}

const HEAD =
  'server       CPU us    rate/s    busy  interleaved    lost  latency p50/p99 us     T2 p50/p99      T3 p50/p99  RSS MB';

const pair = (a: number, b: number): string => `${a.toFixed(2)} / ${b.toFixed(2)}`;

const row = (name: string, f: Figures): string =>
  [
    name.padEnd(10),
    f.cpuUs.toFixed(2).padStart(8),
    Math.round(f.rate).toString().padStart(9),
    `${(f.utilisation * 100).toFixed(0)} %`.padStart(7),
    `${(f.interleavedShare * 100).toFixed(1)} %`.padStart(12),
    `${(f.lostShare * 100).toFixed(2)} %`.padStart(7),
    `${f.latencyP50Us.toFixed(1)} / ${f.latencyP99Us.toFixed(1)}`.padStart(19),
    pair(f.t2p50Us, f.t2p99Us).padStart(14),
    pair(f.t3p50Us, f.t3p99Us).padStart(15),
    f.rssMb.toFixed(0).padStart(7),
  ].join(' ');

const range = (s: Spread): string => `${s.median.toFixed(3)} (${s.low.toFixed(3)}–${s.high.toFixed(3)})`;

const partText = (p: Part): string[] => {
  const load = p.load === 1 ? 'saturation' : `${p.load * 100} % of chronyd's saturation rate`;
  const count = `${p.runs} pairs, ${p.disturbed} disturbed`;
  return [
    '',
    `${p.mode}, ${p.clients} clients, ${load}`,
    HEAD,
    row('timeball', p.timeball),
    row('chronyd', p.chronyd),
    p.load === 1
      ? `CPU a request, ratio: ${range(p.cpuRatio)}, ${count}`
      : `latency p50, ratio: ${range(p.latencyRatio)}, ${count}`,
  ];
};

/** For people. */
export const text = (r: Report): string => {
  const out = [`${r.cpu}, Linux ${r.kernel}, Node ${r.node}, ${r.pairs} alternations`, ...r.parts.flatMap(partText)];
  for (const mode of ['basic', 'interleaved'] as const) {
    const rates = r.maxRates?.[mode];
    if (rates === undefined) continue;
    const figures = `${Math.round(rates.timeball)} and ${Math.round(rates.chronyd)}`;
    const ratio = rates.ratio === undefined ? '' : `, ratio ${range(rates.ratio)}`;
    out.push('', `highest rate at no more than 0.1 % loss, ${mode}: ${figures}/s${ratio}`);
  }
  for (const [name, f] of Object.entries(r.flood ?? {})) {
    const share = (part: number): string => `${(part * 100).toFixed(2)} %`;
    const beside = `beside ${Math.round(f.forgedRate)} forged requests/s`;
    out.push('', `${name} ${beside}: ${share(f.answered)} of the good answered, ${share(f.interleaved)} interleaved`);
  }
  if (r.firstReply !== undefined) {
    const { timeball, chronyd } = r.firstReply;
    out.push('', `first reply after exec: ${timeball.median.toFixed(0)} ms; chronyd ${chronyd.median.toFixed(0)} ms`);
  }
  if (r.workers !== undefined) {
    const { one, two, worth } = r.workers;
    out.push(
      '',
      `CPU a request with one worker ${one.toFixed(2)} us, with two ${two.toFixed(2)} us: two are worth ${worth.toFixed(2)} of one`,
    );
  }
  for (const [name, { ours, control }] of Object.entries(r.controls)) {
    out.push('', `control: ${name}`, HEAD, row('timeball', ours), row(name, control));
  }
  return `${out.join('\n')}\n`;
};
