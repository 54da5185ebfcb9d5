import type { Instant, Mono } from '../base/time.js';
import { type Frequency, PPM, type Seconds } from '../base/units.js';
import type { Discipline } from '../core/discipline/discipline.js';
import { matches } from '../core/ntp/client/mask.js';
import type { NtpOutcome, NtpSources } from '../core/ntp/client/sources.js';
import type { RefclockManager } from '../core/refclock/manager.js';
import type { SourceSet } from '../core/sources/sourceset.js';
import type { Finding } from '../core/sources/types.js';
import type { CookedClock } from './clock.js';
import type { Command, CommandAnswer, SourceRef } from './events.js';
import type { LocalReference } from './local.js';
import type { ManualEstimate, ManualInput } from './manual.js';
import type { RtcKeeper } from './rtc.js';
import type { Smoothing } from './smoothing.js';

/** The engine as commands see it. `now`: the moment of the command; cooked time is asked for. */
export interface CommandHands {
  readonly clock: CookedClock;
  readonly manager: RefclockManager;
  readonly sources: SourceSet;
  readonly local: LocalReference;
  readonly manual: ManualInput;
  readonly smoothing: Smoothing;
  readonly rtc: RtcKeeper;
  readonly ntp: NtpSources;
  readonly mono: Mono;
  /** Largest correction of the frequency, s/s. */
  readonly maxdrift: Frequency;
  discipline(): Discipline;
  cooked(): Instant;
  step(): void;
  select(): void;
  resetSources(): void;
  /** Changes the cooked clock as of now. */
  adjust(doffset: Seconds, dfreq: Frequency): void;
  /** The operator has corrected the clock: for reports. */
  setByHand(offset: Seconds): void;
  publish(): void;
  fact(finding: Finding): void;
  shutdown(): void;
}

const DONE: CommandAnswer = { outcome: 'done' };
const FAILED: CommandAnswer = { outcome: 'failed' };
const NOT_ENABLED: CommandAnswer = { outcome: 'not-enabled' };

/** Corrections by hand beyond this are slips: a century. */
const MAX_OFFSET: Seconds = 3.2e9;

const info = (hands: CommandHands, name: string, text: string): void => hands.fact({ severity: 'info', name, text });

/** How fast the clock is with its present correction, as chrony counts frequency. */
export const frequencyFast = (base: Frequency): Frequency => 1 / (1 + base) - 1;

const indexOf = (hands: CommandHands, source: SourceRef): number | undefined => {
  if (!('refId' in source)) return hands.ntp.indexOf(source.address);
  const index = hands.manager.refIds.indexOf(source.refId);
  return index < 0 ? undefined : index;
};

/** Applies what times set by hand say: the clock is fast by it. */
const applyManual = (hands: CommandHands, { offset, freq }: ManualEstimate): CommandAnswer => {
  const before = hands.clock.base;
  const max = hands.maxdrift;
  const base = Math.min(max, Math.max(-max, (1 + before) / (1 + freq) - 1));
  const dfreq = (1 + base) / (1 + before) - 1;
  const slew = `a slew of ${offset.toFixed(6)}`;
  const text =
    freq === 0 ? `Making ${slew}` : `Making a frequency change of ${(freq / PPM).toFixed(3)} ppm and ${slew}`;
  info(hands, 'manual.set', text);
  hands.adjust(-offset, dfreq);
  hands.setByHand(-offset);
  const freqFastPpm = frequencyFast(base) / PPM;
  const freqChangeFastPpm = freqFastPpm - frequencyFast(before) / PPM;
  return { outcome: 'done', manual: { offsetFast: offset, freqChangeFastPpm, freqFastPpm } };
};

const setTime = (hands: CommandHands, time: Instant): CommandAnswer => {
  if (!hands.manual.enabled) return NOT_ENABLED;
  const estimate = hands.manual.accept(time, hands.cooked());
  return estimate === undefined ? FAILED : applyManual(hands, estimate);
};

const switchManual = (hands: CommandHands, action: 'on' | 'off' | 'reset'): CommandAnswer => {
  if (action !== 'reset') hands.manual.enabled = action === 'on';
  if (action !== 'off') hands.manual.reset();
  return DONE;
};

const deleteManual = (hands: CommandHands, index: number): CommandAnswer => {
  const rest = hands.manual.remove(index, hands.cooked());
  if (rest === undefined) return { outcome: 'bad-sample' };
  applyManual(hands, rest);
  return DONE;
};

const changeFrequency = (hands: CommandHands, freqFastPpm: number): CommandAnswer => {
  const max = hands.maxdrift;
  if (Number.isNaN(freqFastPpm)) return FAILED;
  const fast = Math.min(max, Math.max(-max, frequencyFast(hands.clock.base) + freqFastPpm * PPM));
  hands.adjust(0, 1 / (1 + fast) / (1 + hands.clock.base) - 1);
  info(hands, 'clock.dfreq', `Accumulated delta freq of ${freqFastPpm.toFixed(3)}ppm`);
  return DONE;
};

const changeOffset = (hands: CommandHands, offsetFast: Seconds): CommandAnswer => {
  if (!(Math.abs(offsetFast) < MAX_OFFSET)) return FAILED;
  hands.adjust(-offsetFast, 0);
  info(hands, 'clock.doffset', `Accumulated delta offset of ${offsetFast.toFixed(6)} seconds`);
  return DONE;
};

const smooth = (hands: CommandHands, action: 'reset' | 'activate'): CommandAnswer => {
  const { smoothing } = hands;
  if (!smoothing.enabled) return NOT_ENABLED;
  const now = hands.cooked();
  if (action === 'reset') {
    smoothing.reset(now);
    info(hands, 'smoothing.reset', 'Reset time smoothing');
  } else if (smoothing.activate(now)) info(hands, 'smoothing.active', smoothing.beginning);
  hands.publish();
  return DONE;
};

const OUTCOMES: Readonly<Record<NtpOutcome, CommandAnswer>> = {
  done: DONE,
  'no-such-source': { outcome: 'no-such-source' },
  exists: { outcome: 'source-exists' },
  'too-many': { outcome: 'too-many-sources' },
};

const answerOf = (outcome: NtpOutcome): CommandAnswer => OUTCOMES[outcome];

/** Does what the command says, now. */
export const runCommand = (command: Command, hands: CommandHands): CommandAnswer => {
  switch (command.name) {
    case 'makestep':
      hands.step();
      return DONE;
    case 'set-makestep':
      hands.discipline().setMakestep({ threshold: command.threshold, limit: command.limit });
      return DONE;
    case 'reselect':
      hands.sources.reselect();
      hands.select();
      return DONE;
    case 'reselect-distance':
      hands.sources.setReselectDistance(command.distance);
      return DONE;
    case 'max-update-skew':
      hands.discipline().setMaxUpdateSkew(command.skewPpm);
      return DONE;
    case 'reset-sources':
      hands.resetSources();
      // Times given by hand are measurements, too.
      hands.manual.reset();
      return DONE;
    case 'local':
      hands.local.set(command.options);
      hands.publish();
      info(hands, 'local.set', `${command.options === undefined ? 'Disabled' : 'Enabled'} local reference mode`);
      return DONE;
    case 'manual':
      return switchManual(hands, command.action);
    case 'manual-delete':
      return deleteManual(hands, command.index);
    case 'settime':
      return setTime(hands, command.time);
    case 'change-frequency':
      return changeFrequency(hands, command.freqFastPpm);
    case 'change-offset':
      return changeOffset(hands, command.offsetFast);
    case 'select-options':
    case 'source-offset':
      return changeSource(hands, command);
    case 'smoothtime':
      return smooth(hands, command.action);
    case 'online':
    case 'offline':
      return answerOf(hands.ntp.setOnline(command.name === 'online', (a) => matches(command.match, a), hands.mono));
    case 'burst':
      return answerOf(hands.ntp.burst(command.good, command.total, (a) => matches(command.match, a), hands.mono));
    case 'change-source':
      return answerOf(hands.ntp.change(command.address, command.change));
    case 'add-ntp-source':
      return answerOf(hands.ntp.add(command.options, hands.mono));
    case 'delete-source': {
      const outcome = hands.ntp.remove(command.source);
      hands.select();
      return answerOf(outcome);
    }
    case 'refresh':
      hands.ntp.refresh();
      return DONE;
    case 'trim-rtc':
      return hands.rtc.trim(hands.cooked());
    case 'shutdown':
      hands.shutdown();
      return DONE;
  }
};

/** Of a source that has no address yet. */
const changePlace = (hands: CommandHands, place: string, command: SourceCommand): CommandAnswer => {
  if (command.name === 'select-options') {
    const changed = hands.ntp.selectAt(place, command.change);
    if (changed === undefined) return { outcome: 'no-such-source' };
    if (changed) info(hands, 'source.options', `Source ${place} selection options modified`);
    return DONE;
  }
  const outcome = hands.ntp.change(place, { offset: command.offset });
  if (outcome === 'done') info(hands, 'source.offset', `Source ${place} new offset ${command.offset.toFixed(6)}`);
  return answerOf(outcome);
};

type SourceCommand = Extract<Command, { name: 'select-options' | 'source-offset' }>;

const changeSource = (hands: CommandHands, command: SourceCommand): CommandAnswer => {
  if ('address' in command.source && command.source.address.startsWith('ID#')) {
    return changePlace(hands, command.source.address, command);
  }
  const index = indexOf(hands, command.source);
  if (index === undefined) return { outcome: 'no-such-source' };
  const { name } = hands.sources.info(index);
  if (command.name === 'select-options') {
    const changed = hands.sources.setOptions(index, command.change);
    if (changed) info(hands, 'source.options', `Source ${name} selection options modified`);
  } else {
    if ('address' in command.source) hands.ntp.change(command.source.address, { offset: command.offset });
    else hands.manager.setOffset(index, command.offset);
    info(hands, 'source.offset', `Source ${name} new offset ${command.offset.toFixed(6)}`);
  }
  return DONE;
};
