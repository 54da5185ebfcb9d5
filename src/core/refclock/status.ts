import { diff, type Instant } from '../../base/time.js';
import type { Seconds } from '../../base/units.js';
import type { RefclockReport } from '../report/reports.js';
import type { Refclock } from './manager.js';
import type { ClockContext } from './types.js';

/** s; a message this recent still says itself which second it is. */
const RECENT = 5;

type Numbering = Pick<RefclockReport, 'numbering' | 'numberingReason'>;

/** What is known of one reference clock, for people. */
export const refclockReport = (clock: Refclock, ctx: ClockContext): RefclockReport => {
  const { source, messages } = clock;
  const { options } = source;
  const since = (t: Instant | undefined): Seconds | undefined => (t === undefined ? undefined : diff(ctx.now, t));
  const latency = messages?.latency;
  const median = latency?.median;
  return {
    name: source.name,
    refId: source.refId,
    driver: options.driver,
    device: options.parameter,
    deviceState: deviceState(clock),
    lock: options.lock === '' ? undefined : options.lock,
    ...numbering(clock, ctx),
    latencyMedian: median,
    latencySpread: median === undefined ? undefined : latency?.spread,
    latencyDrift: latency?.drift,
    chronyOffset: median,
    serialDelay: messages?.serialDelay,
    samplesAccepted: source.accepted,
    rejected: Object.fromEntries(source.rejected),
    lastReason: source.lastReason,
    sinceMessage: since(source.lastMessage),
    sincePulse: since(source.lastPulse),
    sinceFix: since(source.lastGood),
    jitter: source.track.known ? source.track.sigma : undefined,
    satellitesUsed: messages?.satellitesUsed,
    satellitesVisible: messages?.satellitesVisible,
  };
};

const deviceState = ({ source }: Refclock): string => {
  const { state } = source;
  if (state === undefined) return 'waiting for the device';
  return state.kind === 'up' ? (state.detail ?? 'up') : state.reason;
};

const numbering = (clock: Refclock, ctx: ClockContext): Numbering => {
  const { source, pulses, messages } = clock;
  if (messages !== undefined) return receiver(clock, ctx);
  if (source.lastPulse === undefined) {
    const alive = source.lastGood !== undefined;
    return alive
      ? { numbering: 'full', numberingReason: 'says the whole time itself' }
      : { numbering: 'none', numberingReason: 'nothing usable yet' };
  }
  const { reason, contradictions } = pulses.numbering;
  if (pulses.lock === undefined) {
    const clockNumbers = ctx.localActive || (ctx.synchronised && ctx.rootDistance < 0.5 / source.options.rate);
    return { numbering: clockNumbers ? 'carried' : 'none', numberingReason: reason };
  }
  if (pulses.offsetAt(ctx.now, ctx) === undefined)
    return { numbering: 'none', numberingReason: pulses.numbering.reason };
  const by = pulses.lock.source;
  const age = by.lastGood === undefined ? undefined : diff(ctx.now, by.lastGood);
  if (contradictions > 0) {
    const against = `${contradictions} messages in a row say another second`;
    return { numbering: 'carried', numberingReason: `${reason}; ${against}` };
  }
  return age !== undefined && age < RECENT
    ? { numbering: 'message', numberingReason: `${reason}; ${by.name} agrees` }
    : { numbering: 'carried', numberingReason: `${reason}; ${by.name} silent for ${age?.toFixed(0) ?? '?'} s` };
};

const receiver = ({ source, messages }: Refclock, ctx: ClockContext): Numbering => {
  if (source.lastMessage === undefined) return { numbering: 'none', numberingReason: 'no message yet' };
  if (messages!.withoutFix) return { numbering: 'none', numberingReason: 'the receiver has no fix' };
  if (source.lastGood === undefined || diff(ctx.now, source.lastGood) > RECENT) {
    return { numbering: 'none', numberingReason: `no usable message (${source.lastReason ?? 'silence'})` };
  }
  return { numbering: 'message', numberingReason: 'says the second itself' };
};
