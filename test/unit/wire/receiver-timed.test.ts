import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { formatSentence, parseSentence } from '../../../src/wire/receiver/nmea.js';
import { leapFromPubx, parseTime, timedFromNmea } from '../../../src/wire/receiver/timed.js';

const timed = (body: string) => {
  const sentence = parseSentence(formatSentence(body).trimEnd());
  assert.notEqual(typeof sentence, 'string', `${body} is a sentence`);
  return typeof sentence === 'string' ? undefined : timedFromNmea(sentence);
};

/** 'reject', or what is known: fix, ms of day, date. */
const brief = (body: string): string => {
  const r = timed(body);
  if (r === undefined || typeof r === 'string') return String(r);
  const d = r.date;
  const fix = r.fix === undefined ? '?' : r.fix ? 'fix' : 'void';
  return `${fix} ${r.msOfDay ?? '-'} ${d === undefined ? '-' : `${d.day}.${d.month}.${d.year}`}`;
};

describe('sentence check', () => {
  const cases: [string, string][] = [
    ['$GPRMC,1*2', 'checksum'],
    ['$GPRMC,1', 'no-checksum'],
    ['$GPRMC,1*00', 'checksum'],
    [`${formatSentence('GPZDA,,,,,00,00').trimEnd()}ZZZ`, 'checksum'],
    [`${formatSentence('GPZDA,,,,,00,00').trimEnd()}*00`, 'checksum'],
    ['!AIVDM,1,1,,A,x,0*00', 'encapsulated'],
    [formatSentence('gprmc,1').trimEnd(), 'address'],
    [formatSentence('GP,1').trimEnd(), 'address'],
    [formatSentence('GPtoString,1').trimEnd(), 'address'],
  ];
  for (const [line, reason] of cases)
    it(`${line} is refused: ${reason}`, () => assert.equal(parseSentence(line), reason));

  const names = (body: string) => {
    const s = parseSentence(formatSentence(body).trimEnd());
    return typeof s === 'string' ? s : `${s.talker} ${s.type}`;
  };
  it('knows talkers from makers: PQ is QZSS, PGRM is Garmin', () => {
    assert.deepEqual(['GNRMC,', 'PQGSV,', 'PGRMC,', 'PUBX,00', 'PMTK001,1', 'BDGSA,'].map(names), [
      'GN RMC',
      'PQ GSV',
      'P GRMC',
      'P UBX',
      'P MTK001',
      'BD GSA',
    ]);
  });
});

describe('time field', () => {
  const cases: [string, number | undefined | 'time'][] = [
    ['', undefined],
    ['000000', 0],
    ['235959', 86_399_000],
    ['083559.5', 30_959_500],
    ['083559.25', 30_959_250],
    ['083559.099', 30_959_099],
    ['083559.9999', 30_959_999],
    ['083559.', 30_959_000],
    ['235960.00', 86_400_000],
    ['235960.5', 86_400_500],
    ['225960', 'time'],
    ['240000', 'time'],
    ['256199', 'time'],
    ['12345', 'time'],
    ['1234567', 'time'],
    ['12 345', 'time'],
    ['-12345', 'time'],
    ['|19322|1.00', 'time'],
  ];
  for (const [field, ms] of cases) it(`'${field}' -> ${ms}`, () => assert.equal(parseTime(field), ms));
});

describe('what a sentence says about time', () => {
  const cases: [string, string, string][] = [
    ['GPRMC,083559.00,A,4717.1,N,00833.9,E,0.004,77.52,091202,,,A', 'fix 30959000 9.12.2', 'all in one'],
    ['GPRMC,083559,A,4717.1,N,00833.9,E,0,0,091202,,', 'fix 30959000 9.12.2', 'before NMEA 2.3 there was no mode'],
    ['GPRMC,083559,A,4742.21,N,01200.75,E,0.0,0.0,181223,0.0,E', 'fix 30959000 18.12.23', 'Meinberg: eleven fields'],
    ['GPRMC,083559.00,V,,,,,,,091202,,,N', 'void 30959000 9.12.2', 'void'],
    ['GPRMC,083559.00,A,,,,,,,091202,,,E', 'void 30959000 9.12.2', 'dead reckoning keeps no time'],
    ['GPRMC,083559.00,A,,,,,,,091202,,,M', 'void 30959000 9.12.2', 'set by hand'],
    ['GPRMC,083559.00,A,,,,,,,091202,,,S', 'void 30959000 9.12.2', 'simulated'],
    ['GPRMC,083559.00,A,,,,,,,091202,,,R', 'fix 30959000 9.12.2', 'RTK'],
    ['GNRMC,083559.00,A,,,,,,,091202,,,A,V', 'fix 30959000 9.12.2', 'nav status V says nothing about time'],
    ['GPRMC,,V,,,,,,,,,,N', 'void - -', 'knows nothing'],
    ['GPRMC,000231.099,A,4829.0,N,00022.0,E,0.15,212.28,2208-1,,,A', 'date', 'year −1 (Telit after the rollover)'],
    ['GPRMC,083559.00,A,,,,,,,321202,,,A', 'date', 'day 32'],
    ['GPRMC,083559.00,A,,,,,,,091302,,,A', 'date', 'month 13'],
    ['GPRMC,083559.00,A,,,,,,,91202,,,A', 'date', 'five digits'],
    ['GPRMC,083559.00,X,,,,,,,091202,,,A', 'status', 'unknown status'],
    ['GPRMC,000012,A', 'fields', 'cut short with a right checksum'],
    ['GPRMC', 'fields', 'nothing at all'],
    ['GPRMC,256199,A,,,,,,,091202,,,A', 'time', 'hour 25'],
    ['GPZDA,201530.00,04,07,2002,00,00', '? 72930000 4.7.2002', 'date without validity'],
    ['GPZDA,201530.00,4,7,2002,00,00', '? 72930000 4.7.2002', 'single digits are their own fields'],
    ['GPZDA,201530.00,,,,00,00', '? 72930000 -', 'no date is no date'],
    ['GPZDA,,,,,00,00', '? - -', 'empty is not 1970'],
    ['GPZDA,201530.00,04,07,02,00,00', 'date', 'ZDA has four digits'],
    ['GPZDA,201530.00,04,,2002,00,00', 'date', 'half a date'],
    ['GPGGA,092750.000,5321.6,N,00630.3,W,1,8,1.03,61.7,M,55.2,M,,', 'fix 34070000 -', 'quality 1'],
    ['GPGGA,092750.000,5321.6,N,00630.3,W,0,0,1.03,61.7,M,55.2,M,,', 'void 34070000 -', 'quality 0'],
    ['GPGGA,092750.000,5321.6,N,00630.3,W,6,8,1.03,61.7,M,55.2,M,,', 'void 34070000 -', 'estimated'],
    ['GPGGA,092750.000,5321.6,N,00630.3,W,7,8,1.03,61.7,M,55.2,M,,', 'void 34070000 -', 'by hand'],
    ['GPGGA,092750.000,5321.6,N,00630.3,W,8,8,1.03,61.7,M,55.2,M,,', 'void 34070000 -', 'simulated'],
    ['GPGGA,092750.000,5321.6,N,00630.3,W,,8,1.03,61.7,M,55.2,M,,', '? 34070000 -', 'empty quality says nothing'],
    ['GPGLL,4916.45,N,12311.12,W,225444,A', 'fix 82484000 -', 'GLL before NMEA 2.3'],
    ['GPGLL,,,,,225444,V,N', 'void 82484000 -', 'GLL void'],
    ['GNGNS,014035.00,4332.6,N,17235.4,E,NR,13,0.9,25.63,11.24,,', 'fix 6035000 -', 'one good constellation'],
    ['GNGNS,014035.00,,,,,NN,00,99.9,,,,', 'void 6035000 -', 'none'],
    ['GNGNS,014035.00,,,,,EE,05,99.9,,,,', 'void 6035000 -', 'estimated'],
    ['GPVTG,1,T,2,M,3,N,4,K', 'undefined', 'not about time'],
    ['PGRMC,A,218.8,100,6378137.000,298.257223563,0.0,0.0,0.0,A,3,1,1,4,30', 'undefined', 'Garmin set-up is no RMC'],
  ];
  for (const [body, expected, why] of cases) it(`${why}: ${body}`, () => assert.equal(brief(body), expected));

  it('tells a leap count from the built-in one (suffix D)', () => {
    const leap = (field: string) => {
      const s = parseSentence(
        formatSentence(`PUBX,04,073731.00,091202,113851.00,1196,${field},1930035,-2660,43`).trimEnd(),
      );
      return typeof s === 'string' ? s : leapFromPubx(s);
    };
    assert.deepEqual([leap('18'), leap('15D'), leap('')], [18, undefined, undefined]);
  });
});
