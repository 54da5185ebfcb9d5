import { fromUnix, type Instant } from '../../base/time.js';

const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
const WEEK = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];
const DAYS = /^(sun|mon|tues?|wed(nes)?|thu(rs?)?|fri|sat(ur)?)(day)?\.?,?$/i;
const UNITS: Readonly<Record<string, number>> = {
  sec: 1,
  second: 1,
  min: 60,
  minute: 60,
  hour: 3600,
  day: 86400,
  week: 604800,
  fortnight: 1209600,
};
const MONTHS_OF: Readonly<Record<string, number>> = { month: 1, year: 12 };
const RELATIVE: Readonly<Record<string, string>> = {
  next: '1',
  this: '0',
  last: '-1',
  first: '1',
  third: '3',
  fourth: '4',
  fifth: '5',
  sixth: '6',
  seventh: '7',
  eighth: '8',
  ninth: '9',
  tenth: '10',
  eleventh: '11',
  twelfth: '12',
};
const ORDINAL = Object.keys(RELATIVE).join('|');
const UNIT = 'secs?|seconds?|mins?|minutes?|hours?|days?|weeks?|fortnights?|months?|years?';
/** Hours east of Greenwich. Where a name means several zones it is chronyd's. */
const ZONES: Readonly<Record<string, number>> = {
  UT: 0,
  UTC: 0,
  GMT: 0,
  WET: 0,
  BST: 1,
  MET: 1,
  CET: 1,
  MEST: 2,
  EET: 2,
  JST: 9,
  NZST: 12,
  AST: -4,
  ADT: -3,
  EST: -5,
  EDT: -4,
  CST: -6,
  CDT: -5,
  MST: -7,
  MDT: -6,
  PST: -8,
  PDT: -7,
  HST: -10,
};
/** One letter, as RFC 822 had it: A…M without J are 1…12 hours west, N…Y east, Z is UTC. */
const LETTERS = 'ABCDEFGHIKLMNOPQRSTUVWXY';
const DAY_WORDS: Readonly<Record<string, number>> = { today: 0, now: 0, tomorrow: 1, yesterday: -1 };

/** A moment as its words are read; what stays undefined is taken from now. */
interface Draft {
  date?: { readonly year: number | undefined; readonly month: number; readonly day: number };
  clock?: { readonly hour: number; readonly minute: number; readonly second: number };
  /** Minutes east of Greenwich; undefined = local time. */
  zone?: number;
  /** s. */
  shift: number;
  months: number;
  now: boolean;
  weekday?: number;
  /** Of the days of that name, beside the next one. */
  weeks: number;
}

const monthOf = (word: string): number =>
  word.length < 3 ? -1 : MONTHS.findIndex((m) => word.toLowerCase().startsWith(m));

/** Two digits of a year: 69…99 are of the last century (POSIX). */
const fullYear = (word: string): number => {
  const year = Number(word);
  return word.length > 2 ? year : year + (year < 69 ? 2000 : 1900);
};

/** One form of a date, a time, a zone or a shift at the head of the text; false: this is not one that makes sense. */
type Form = readonly [RegExp, (m: RegExpExecArray, draft: Draft) => boolean];

const setDate = (draft: Draft, year: number | undefined, month: number, day: number): boolean => {
  if (draft.date !== undefined || month < 0 || month > 11 || day < 1 || day > 31) return false;
  draft.date = { year, month, day };
  return true;
};

const setClock = (m: RegExpExecArray, draft: Draft): boolean => {
  const [, hours, minutes = '0', seconds = '0', half] = m;
  const hour12 = Number(hours);
  if (draft.clock !== undefined || (half !== undefined && (hour12 < 1 || hour12 > 12))) return false;
  const hour = half === undefined ? hour12 : (hour12 % 12) + (half.toLowerCase().startsWith('p') ? 12 : 0);
  draft.clock = { hour, minute: Number(minutes), second: Number(seconds) };
  return hour < 24 && draft.clock.minute < 60 && draft.clock.second <= 60;
};

const setZone = (m: RegExpExecArray, draft: Draft): boolean => {
  if (draft.zone !== undefined) return false;
  const [, sign, hours, minutes = '0'] = m;
  const size = Number(hours ?? 0) * 60 + Number(minutes);
  draft.zone = sign === '-' ? -size : size;
  return size < 24 * 60;
};

const setShift = (m: RegExpExecArray, draft: Draft): boolean => {
  const [, count, unit] = m;
  const name = unit!.toLowerCase().replace(/s$/, '');
  const months = MONTHS_OF[name];
  draft.now = true;
  if (months !== undefined) {
    draft.months += Number(count!.replace(/\s/g, '')) * months;
    return true;
  }
  const seconds = UNITS[name];
  if (seconds === undefined) return false;
  draft.shift += Number(count!.replace(/\s/g, '')) * seconds;
  return true;
};

const setNamedZone = (m: RegExpExecArray, draft: Draft): boolean => {
  if (draft.zone !== undefined) return false;
  const name = m[1]!.toUpperCase();
  const letter = name.length === 1 ? LETTERS.indexOf(name) : -1;
  const hours = letter < 0 ? (ZONES[name] ?? 0) : letter < 12 ? -letter - 1 : letter - 11;
  draft.zone = (hours + (m[2] === undefined ? 0 : 1)) * 60;
  return true;
};

const setWeekday = (m: RegExpExecArray, draft: Draft): boolean => {
  const count = Number(RELATIVE[m[1]!.toLowerCase()] ?? m[1]);
  draft.weeks = count > 0 ? count - 1 : count;
  return takeWord(m[2]!, draft);
};

const FORMS: readonly Form[] = [
  [/^ago(?=\s|$)/i, (_, d) => setAgo(d)],
  [/^(\d{1,2})(\d{2})?(?=\s+[a-ik-z](?:\s|$)|\s+[+-]\d{4}|\s*$)/i, (m, d) => setNumber(m, d)],
  [/^(\d{2})(\d{2})(?=\s|$)/, (m, d) => setNumber(m, d)],
  [/^(\d{2})(\d{2})(\d{2})(?=\s|$)/, (m, d) => setDate(d, fullYear(m[1]!), Number(m[2]) - 1, Number(m[3]))],
  [
    new RegExp(
      `^(${ORDINAL}|\\d{1,2})\\s+((?:sun|mon|tues?|wed(?:nes)?|thu(?:rs?)?|fri|sat(?:ur)?)(?:day)?)(?=\\s|$)`,
      'i',
    ),
    setWeekday,
  ],
  [/^(\d{4})(\d{2})(\d{2})(?=T|\s|$)T?/i, (m, d) => setDate(d, Number(m[1]), Number(m[2]) - 1, Number(m[3]))],
  [/^(\d{4})\/(\d{1,2})\/(\d{1,2})(?=\s|$)/, (m, d) => setDate(d, Number(m[1]), Number(m[2]) - 1, Number(m[3]))],
  [
    /^(\d{4,}|\d{2})-(\d{1,2})-(\d{1,2})(?=T|\s|$)T?/i,
    (m, d) => setDate(d, fullYear(m[1]!), Number(m[2]) - 1, Number(m[3])),
  ],
  [
    /^(\d{1,2})\/(\d{1,2})(?:\/(\d{1,4}))?(?=\s|$)/,
    (m, d) => setDate(d, m[3] === undefined ? undefined : fullYear(m[3]), Number(m[1]) - 1, Number(m[2])),
  ],
  [/^(\d{1,2}):(\d{1,2})(?::(\d{1,2})(?:\.\d+)?)?(?:\s*([ap])\.?m\.?(?=\s|$))?/i, setClock],
  [
    /^(\d{1,2})(?=\s*[ap]\.?m)()()\s*([ap])\.?m\.?(?=\s|$)/i,
    (m, d) => setClock([m[0], m[1], '0', '0', m[4]] as unknown as RegExpExecArray, d),
  ],
  [new RegExp(`^([+-]\\s*\\d+|\\d+)\\s*(${UNIT})(?=\\s|$)`, 'i'), setShift],
  [
    new RegExp(`^(${ORDINAL})\\s+(${UNIT})(?=\\s|$)`, 'i'),
    // A whole week from now is not midnight: the time of the day stays.
    (m, d) => {
      d.now = true;
      return setShift([m[0], RELATIVE[m[1]!.toLowerCase()]!, m[2]!] as unknown as RegExpExecArray, d);
    },
  ],
  [/^([+-])(\d{2}):?(\d{2})(?=\s|$)/, setZone],
  [new RegExp(`^(${Object.keys(ZONES).join('|')}|[a-ik-z])(?=\\s|$)(\\s+dst(?=\\s|$))?`, 'i'), setNamedZone],
  [new RegExp(`^(${UNIT})(?=\\s|$)`, 'i'), (m, d) => setShift(['', '1', m[1]!] as unknown as RegExpExecArray, d)],
  [
    /^(\d{1,2})[\s-]([a-z]{3,9})\.?(?:,?[\s-](\d{4}|\d{2}))?(?=\s|$)/i,
    (m, d) => setDate(d, m[3] === undefined ? undefined : fullYear(m[3]), monthOf(m[2]!), Number(m[1])),
  ],
  [
    /^((?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*)\.?\s*(\d{1,2})(?:,?\s+(\d{4})(?!:)|,)?(?=\s|$)/i,
    (m, d) => setDate(d, m[3] === undefined ? undefined : Number(m[3]), monthOf(m[1]!), Number(m[2])),
  ],
];

/** Digits alone: four behind a date and a time are the year, else hours, or a time without its colon. */
const setNumber = (m: RegExpExecArray, draft: Draft): boolean => {
  const { date, clock } = draft;
  if (date === undefined || date.year !== undefined || clock === undefined || m[0].length !== 4) {
    return setClock([m[0], m[1], m[2]] as unknown as RegExpExecArray, draft);
  }
  draft.date = { ...date, year: Number(m[0]) };
  return true;
};

/** All that was said of how long, backwards. */
const setAgo = (draft: Draft): boolean => {
  draft.shift = -draft.shift;
  draft.months = -draft.months;
  return draft.now;
};

/** Words that say a day or nothing. */
const takeWord = (word: string, draft: Draft): boolean => {
  const days = DAY_WORDS[word.toLowerCase()];
  if (days !== undefined) {
    draft.now ||= true;
    draft.shift += days * 86400;
    return true;
  }
  const weekday = DAYS.exec(word) === null ? -1 : WEEK.findIndex((day) => word.toLowerCase().startsWith(day));
  if (weekday >= 0 && draft.weekday !== undefined) return false;
  if (weekday >= 0) draft.weekday = weekday;
  return weekday >= 0 || word === ',';
};

/** Comments stand in parentheses, one in the other. */
const withoutComments = (text: string): string => {
  const shorter = text.replace(/\([^()]*\)/g, ' ');
  return shorter === text ? text : withoutComments(shorter);
};

const read = (text: string): Draft | undefined => {
  const draft: Draft = { shift: 0, months: 0, weeks: 0, now: false };
  let rest = withoutComments(text).trim();
  while (rest !== '') {
    const form = FORMS.find(([pattern]) => pattern.test(rest));
    const match = form?.[0].exec(rest);
    const word = /^\S+/.exec(rest)![0];
    if (form !== undefined && match !== null && match !== undefined) {
      if (!form[1](match, draft)) return undefined;
      rest = rest.slice(match[0].length).trim();
    } else if (takeWord(word, draft)) rest = rest.slice(word.length).trim();
    else return undefined;
  }
  return draft;
};

/**
 * The moment that an operator means: `16:30:05`, `Sep 25, 2015 16:30:05`, `2015-09-25 16:30`, `25 Sep 2015`,
 * `9/25/2015 4pm`, `now`, `tomorrow 12:00`, `+5 minutes`, `2 hours ago`, with `UTC` or `+0200` behind it. A date without
 * a time is its midnight, a time without a date is today's, without a zone it is local time. Whole seconds.
 * `nowMs`: ms since 1970. Undefined: cannot be understood.
 */
export const parseMoment = (text: string, nowMs: number): Instant | undefined => {
  const draft = read(text);
  if (draft === undefined) return undefined;
  const keepsTime = draft.now || draft.shift !== 0;
  const zoneMs = draft.zone === undefined ? undefined : draft.zone * 60_000;
  const local = zoneMs === undefined;
  const here = new Date(nowMs);
  const there = new Date(nowMs + (zoneMs ?? 0));
  // A time in another zone is of our own day; `now` is of the day that it is there.
  const today =
    local || draft.clock !== undefined || !keepsTime
      ? { year: here.getFullYear(), month: here.getMonth(), day: here.getDate() }
      : { year: there.getUTCFullYear(), month: there.getUTCMonth(), day: there.getUTCDate() };
  const present = local
    ? { hour: here.getHours(), minute: here.getMinutes(), second: here.getSeconds() }
    : { hour: there.getUTCHours(), minute: there.getUTCMinutes(), second: there.getUTCSeconds() };
  const midnight = { hour: 0, minute: 0, second: 0 };
  const c = draft.clock ?? (keepsTime && draft.date === undefined ? present : midnight);
  const d = draft.date ?? today;
  const year = d.year ?? today.year;
  // A day of the week alone is the next one of that name, today included.
  const weekday = new Date(Date.UTC(year, d.month, d.day)).getUTCDay();
  const ahead =
    draft.date === undefined && draft.weekday !== undefined ? ((draft.weekday - weekday + 7) % 7) + 7 * draft.weeks : 0;
  const month = d.month + draft.months;
  const ms = local
    ? new Date(year, month, d.day + ahead, c.hour, c.minute, c.second).getTime()
    : Date.UTC(year, month, d.day + ahead, c.hour, c.minute, c.second) - zoneMs;
  return Number.isNaN(ms) ? undefined : fromUnix(Math.floor(ms / 1000) + draft.shift);
};
