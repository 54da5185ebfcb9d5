import type { Config, RefclockOptions } from './config.js';

export type Severity = 'error' | 'warning';

/** What is wrong with a configuration as a whole, though each of its lines is right. */
export interface Finding {
  readonly severity: Severity;
  readonly text: string;
  readonly hint?: string;
}

type Rule = (config: Config) => readonly Finding[];

const error = (wrong: boolean, text: string): readonly Finding[] => (wrong ? [{ severity: 'error', text }] : []);
const warning = (wrong: boolean, text: string, hint?: string): readonly Finding[] =>
  wrong ? [{ severity: 'warning', text, ...(hint === undefined ? {} : { hint }) }] : [];

/** These end chronyd at start, with the same words. */
const FATAL: readonly Rule[] = [
  ({ refclocks, clock, hardware }) =>
    error(
      refclocks.some((r) => r.tai) &&
        clock.leapsectz === undefined &&
        clock.leapseclist === undefined &&
        hardware.ptp4l.every((p) => p.grandmaster),
      'refclock tai option requires leapseclist or leapsectz',
    ),
  ({ refclocks, hardware }) =>
    error(
      hardware.ptp4l.some(({ phc }) => refclocks.some((r) => r.driver === 'PHC' && r.parameter === phc)),
      'A PHC cannot be steered and be a reference clock',
    ),
  ({ server, nts, command }) =>
    error(
      server.noclientlog && [server.ratelimit, nts.ratelimit, command.cmdratelimit].some((r) => r !== undefined),
      'Rate limiting cannot be enabled with noclientlog',
    ),
  ({ nts }) => error(nts.certs.length !== nts.keys.length, 'Uneven number of NTS certs and keys'),
  ({ clock, rtc }) =>
    error(clock.rtcsync && rtc.rtcfile !== undefined, 'rtcfile directive cannot be used with rtcsync'),
];

/** The refid that a refclock has when it is given none: three letters of the driver and its index. */
const refidOf = (refclock: RefclockOptions, index: number): string =>
  refclock.refid !== '' ? refclock.refid : refclock.driver.slice(0, index < 10 ? 3 : 2) + String(index);

const checkLocks: Rule = ({ refclocks }) => {
  const refids = refclocks.map(refidOf);
  return refclocks
    .filter((r) => r.lock !== '' && (refids.indexOf(r.lock) < 0 || refclocks[refids.indexOf(r.lock)] === r))
    .map((r) => ({
      severity: 'warning',
      text: `Invalid lock refid ${r.lock}`,
      hint: `the refids are ${refids.join(', ')}`,
    }));
};

const checkRefids: Rule = ({ refclocks }) => {
  const refids = refclocks.map(refidOf);
  const twice = refids.filter((id, i) => refids.indexOf(id) < i);
  return [...new Set(twice)].map((id) => ({ severity: 'warning', text: `More than one refclock has the refid ${id}` }));
};

/** Sentences alone are late by an unknown fraction of a second: nothing here would say by how much. */
const checkReceivers: Rule = ({ refclocks }) => {
  const helped = refclocks.some((r) => r.driver === 'PPS' || r.pps || r.lock !== '');
  return refclocks.flatMap((r, i) =>
    warning(
      (r.driver === 'NMEA' || r.driver === 'UBX') && !helped && !r.offsetGiven && !r.delayGiven,
      `refclock ${refidOf(r, i)} has neither a pulse nor an offset and a delay`,
      'without a pulse the latency of the messages cannot be learned; give "offset" and "delay", or add a PPS refclock',
    ),
  );
};

const WARNINGS: readonly Rule[] = [
  checkLocks,
  checkRefids,
  checkReceivers,
  ({ logging }) => warning(logging.log.size > 0 && logging.logdir === undefined, 'logdir not specified'),
  ({ local, sources, refclocks, client, clock }) =>
    warning(
      local?.stratum === 1 && sources.length + refclocks.length + client.sourcedirs.length === 0 && !clock.manual,
      'local stratum 1 without any source',
      'clients would trust this clock as if it had a reference; use a higher stratum',
    ),
  ({ selection, sources, refclocks, client }) =>
    warning(
      client.sourcedirs.length === 0 &&
        sources.every((s) => s.kind !== 'pool') &&
        selection.minsources > Math.max(1, sources.length + refclocks.length),
      `minsources ${selection.minsources} is more than there are sources`,
      'the clock would never be updated',
    ),
  ({ sources, client }) =>
    warning(
      sources.some((s) => s.key !== 0) && client.keyfile === undefined,
      'A source has a key, but there is no keyfile',
    ),
  ({ server, hardware }) =>
    warning(
      server.port === 0 && hardware.ptpport === 0 && server.access.some((rule) => rule.action === 'allow'),
      'allow has no effect with port 0',
    ),
];

/** What would end the daemon at start. */
export const fatalFindings = (config: Config): readonly Finding[] => FATAL.flatMap((rule) => rule(config));

/** What is allowed and probably not meant. */
export const warningFindings = (config: Config): readonly Finding[] => WARNINGS.flatMap((rule) => rule(config));
