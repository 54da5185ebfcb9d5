import type { UnresolvedReport } from '../../core/report/reports.js';
import type { WireAddress } from '../../wire/cmdmon/fields.js';
import type { ReplyValues } from '../../wire/cmdmon/packet.js';
import { NEVER } from '../../wire/cmdmon/protocol.js';
import type { CmdmonContext } from './context.js';

/** Of a source that has never answered: ppm and s. */
const NO_SKEW = 2000;
const NO_DEVIATION = 4;
const NOT_SYNCHRONISED = 3;
const UNUSABLE = 1;

/** The name behind a number that stands for an address (`ID#…`); undefined: there is none (any more). */
export const unresolvedAt = (address: WireAddress, context: CmdmonContext): UnresolvedReport | undefined =>
  typeof address === 'number' ? context.unresolved().find(({ id }) => id === address) : undefined;

export const unresolvedSource = (u: UnresolvedReport): ReplyValues<'SOURCE_DATA'> => ({
  address: u.id,
  pollLog2: u.pollLog2,
  stratum: 0,
  state: UNUSABLE,
  mode: u.mode === 'peer' ? 1 : 0,
  reach: 0,
  sinceSample: NEVER,
  lastOffsetMeasuredFast: 0,
  lastOffsetFast: 0,
  errorBound: 0,
});

export const unresolvedStats = (u: UnresolvedReport): ReplyValues<'SOURCESTATS'> => ({
  refId: u.id,
  address: u.id,
  samples: 0,
  runs: 0,
  span: 0,
  stdDev: NO_DEVIATION,
  residualFreqPpm: 0,
  skewPpm: NO_SKEW,
  offsetFast: 0,
  offsetError: NO_DEVIATION,
});

export const unresolvedSelection = (u: UnresolvedReport, options: number): ReplyValues<'SELECT_DATA'> => ({
  refId: u.id,
  address: u.id,
  state: 'M',
  authenticated: u.keyId === 0 ? 0 : 1,
  leap: NOT_SYNCHRONISED,
  configured: options,
  effective: options,
  sinceSample: 0,
  score: 1,
  lowLimitFast: 0,
  highLimitFast: 0,
});
