/** A list of leap seconds in the IETF's form with its checksum: the last ones there were, and one more. */
import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';

const ntp = (date: string): number => Date.parse(`${date}T00:00:00Z`) / 1000 + 2_208_988_800;

/** First day after the one with the leap second. */
export const LEAP_DAY = '2027-07-01';
/** Where `writeLeapList` puts it. */
export const LIST = '/tmp/leap-seconds.list';

/** TAI − UTC is 38 s from `date` (YYYY-MM-DD) on. */
const leapListWith = (date: string): string => {
  const [updated, expires] = [ntp('2027-01-08'), ntp('2027-12-28')];
  const rows = [
    [ntp('2009-01-01'), 34],
    [ntp('2012-07-01'), 35],
    [ntp('2015-07-01'), 36],
    [ntp('2017-01-01'), 37],
    [ntp(date), 38],
  ];
  const summed = [updated, expires, ...rows.flat()].join('');
  const words = createHash('sha1').update(summed).digest('hex').match(/.{8}/g)!;
  const lines = rows.map((row) => row.join('\t'));
  return [`#$\t${updated}`, `#@\t${expires}`, ...lines, `#h\t${words.join(' ')}`, ''].join('\n');
};

export const writeLeapList = (): void => writeFileSync(LIST, leapListWith(LEAP_DAY));
