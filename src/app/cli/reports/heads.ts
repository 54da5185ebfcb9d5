import { EXTRA_WIDTH } from '../session.js';

/** The lines above a table: the column names, and what they mean (`-v`). */
export interface Head {
  readonly columns: string;
  /** Where a wide table gets its extra blanks. */
  readonly nameEnd: number;
  readonly legend: string;
}

const head = (columns: string, nameTitle: string, legend = ''): Head => ({
  columns,
  nameEnd: columns.indexOf(nameTitle) + nameTitle.length,
  legend,
});

export const tableHead = ({ columns, nameEnd, legend }: Head, verbose: boolean, wide: boolean): string => {
  const line = wide ? columns.slice(0, nameEnd) + ' '.repeat(EXTRA_WIDTH) + columns.slice(nameEnd) : columns;
  return `${verbose ? legend : ''}${line}\n${'='.repeat(line.length)}\n`;
};

export const SOURCES_HEAD = head(
  'MS Name/IP address         Stratum Poll Reach LastRx Last sample               ',
  'Name/IP address',
  `
  .-- Source mode  '^' = server, '=' = peer, '#' = local clock.
 / .- Source state '*' = current best, '+' = combined, '-' = not combined,
| /             'x' = may be in error, '~' = too variable, '?' = unusable.
||                                                 .- xxxx [ yyyy ] +/- zzzz
||      Reachability register (octal) -.           |  xxxx = adjusted offset,
||      Log2(Polling interval) --.      |          |  yyyy = measured offset,
||                                \\     |          |  zzzz = estimated error.
||                                 |    |           \\
`,
);

export const SOURCESTATS_HEAD = head(
  'Name/IP Address            NP  NR  Span  Frequency  Freq Skew  Offset  Std Dev',
  'Name/IP Address',
  `                             .- Number of sample points in measurement set.
                            /    .- Number of residual runs with same sign.
                           |    /    .- Length of measurement set (time).
                           |   |    /      .- Est. clock freq error (ppm).
                           |   |   |      /           .- Est. error in freq.
                           |   |   |     |           /         .- Est. offset.
                           |   |   |     |          |          |   On the -.
                           |   |   |     |          |          |   samples. \\
                           |   |   |     |          |          |             |
`,
);

export const SELECTDATA_HEAD = head(
  'S Name/IP Address        Auth COpts EOpts Last Score     Interval  Leap',
  'Name/IP Address',
  `  . State: N - noselect, s - unsynchronised, M - missing samples,
 /         d/D - large distance, ~ - jittery, w/W - waits for others,
|          S - stale, O - orphan, T - not trusted, P - not preferred,
|          U - waits for update,, x - falseticker, + - combined, * - best.
|   Effective options   ---------.  (N - noselect, P - prefer
|   Configured options  ----.     \\  T - trust, R - require)
|   Auth. enabled (Y/N) -.   \\     \\     Offset interval --.
|                        |    |     |                       |
`,
);

export const AUTHDATA_HEAD = head(
  'Name/IP address             Mode KeyID Type KLen Last Atmp  NAK Cook CLen',
  'Name/IP address',
  `                             .- Auth. mechanism (NTS, SK - symmetric key)
                            |   Key length -.  Cookie length (bytes) -.
                            |       (bits)  |  Num. of cookies --.    |
                            |               |  Key est. attempts  |   |
                            |               |           |         |   |
`,
);

export const CLIENTS_HEAD = head(
  'Hostname                      NTP   Drop Int IntL Last     Cmd   Drop Int  Last',
  'Hostname',
);
export const CLIENTS_NKE_HEAD = head(
  'Hostname                      NTP   Drop Int IntL Last  NTS-KE   Drop Int  Last',
  'Hostname',
);
