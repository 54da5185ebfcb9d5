import { quantity, text } from '../figures.js';
import { askOne, refuseCsv } from '../query.js';
import type { Session } from '../session.js';

/** `timeball bound`: between which two instants true time lies. */
export const bound = async (session: Session): Promise<void> => {
  refuseCsv(session);
  const b = await askOne(session, 'bound');
  if (session.mode === 'json') {
    session.io.out(`${JSON.stringify(b)}\n`);
    return;
  }
  session.io.out(
    [
      `Status          : ${text(b['status'])}`,
      `System time     : ${text(b['systemTime'])}`,
      `Earliest        : ${text(b['earliest'])}`,
      `Latest          : ${text(b['latest'])}`,
      `Bound           : +/- ${quantity(b['boundSeconds'])}, growing by at most ${text(b['driftPpm'])} ppm`,
      '',
    ].join('\n'),
  );
};
