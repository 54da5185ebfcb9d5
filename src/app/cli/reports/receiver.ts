import { quantity, text } from '../figures.js';
import { askList, type QueryData, refuseCsv } from '../query.js';
import type { Session } from '../session.js';

const ago = (r: QueryData, key: string, what: string): string[] =>
  typeof r[key] === 'number' ? [`${what} ${quantity(r[key])} ago`] : [];

const latency = (r: QueryData): string[] => {
  if (typeof r['latencyMedianSeconds'] !== 'number') return [];
  const drift = typeof r['latencyDriftPpm'] === 'number' ? `, drift ${r['latencyDriftPpm']} ppm` : '';
  return [
    `latency     ${quantity(r['latencyMedianSeconds'])}, spread ${quantity(r['latencySpreadSeconds'])}${drift}`,
    `            chrony would need: offset ${Number(r['chronyOffsetSeconds']).toFixed(6)}`,
  ];
};

const satellites = (r: QueryData): string[] =>
  typeof r['satellitesUsed'] === 'number' || typeof r['satellitesVisible'] === 'number'
    ? [`satellites  ${text(r['satellitesUsed'])} used, ${text(r['satellitesVisible'])} in view`]
    : [];

const rejected = (r: QueryData): string => {
  const counts = Object.entries((r['rejected'] ?? {}) as Record<string, number>).sort(([, a], [, b]) => b - a);
  return counts.length === 0 ? 'nothing' : counts.map(([reason, n]) => `${reason} ${n}`).join(', ');
};

const lines = (r: QueryData): string[] => {
  const seen = [
    ...ago(r, 'sinceMessageSeconds', 'message'),
    ...ago(r, 'sincePulseSeconds', 'pulse'),
    ...ago(r, 'sinceFixSeconds', 'vouched for'),
  ];
  return [
    `numbering   ${text(r['numbering'])}: ${text(r['numberingReason'])}`,
    ...(typeof r['lock'] === 'string' ? [`lock        ${r['lock']}`] : []),
    ...latency(r),
    ...satellites(r),
    `last        ${seen.length === 0 ? 'nothing' : seen.join(', ')}`,
    `jitter      ${quantity(r['jitterSeconds'])}`,
    `accepted    ${text(r['accepted'])}`,
    `rejected    ${rejected(r)}`,
  ];
};

const block = (r: QueryData): string =>
  `${text(r['name'])}: ${text(r['driver'])} ${text(r['device'])}, ${text(r['deviceState'])}\n${lines(r)
    .map((l) => `  ${l}\n`)
    .join('')}`;

/** `timeball receiver status`: what the daemon knows of its reference clocks. */
export const receiverStatus = async (session: Session): Promise<void> => {
  refuseCsv(session);
  const { items } = await askList(session, 'refclocks');
  if (session.mode === 'json') session.io.out(`${JSON.stringify(items)}\n`);
  else if (items.length === 0) session.io.out('No reference clocks\n');
  else session.io.out(items.map(block).join('\n'));
};
