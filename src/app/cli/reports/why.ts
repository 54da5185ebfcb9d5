import { text } from '../figures.js';
import { askList, type QueryData, refuseCsv } from '../query.js';
import type { Session } from '../session.js';

const line = (s: QueryData): string => `${text(s['state'])} ${text(s['name']).padEnd(16)} ${text(s['reason'])}\n`;

/** `timeball sources --why`: the state of each source in words, with the figure that decided. */
export const why = async (session: Session): Promise<void> => {
  refuseCsv(session);
  const { items } = await askList(session, 'selectdata');
  if (session.mode === 'json') session.io.out(`${JSON.stringify(items)}\n`);
  else session.io.out(`S Name             Why\n${'='.repeat(79)}\n${items.map(line).join('')}`);
};
