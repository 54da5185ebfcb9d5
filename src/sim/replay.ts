import { CodedError } from '../base/errors.js';
import type { TrackingReport } from '../core/report/reports.js';
import { Engine } from '../engine/engine.js';
import type { Effect, Now } from '../engine/events.js';
import { decodeEntry, decodeHeader, digest } from './eventlog.js';

export interface ReplayResult {
  readonly events: number;
  /** How often each kind of effect came out. */
  readonly effects: Readonly<Record<string, number>>;
  /** Texts of facts of severity info and above, bounded. */
  readonly facts: readonly string[];
  /** Last event's clocks; undefined for an empty log. */
  readonly end: Now | undefined;
  readonly tracking: TrackingReport | undefined;
  /** Lines with a recorded digest, and the first whose effects came out differently. */
  readonly verified: number;
  readonly divergedAt: number | undefined;
}

const MAX_FACTS = 200;

/** Runs the engine over a log's lines. @throws CodedError ERR_TB_REPLAY for a line that is not an event. */
export const replay = (lines: Iterable<string>): ReplayResult => {
  let engine: Engine | undefined;
  let config: ReturnType<typeof decodeHeader>['config'] | undefined;
  let number = 0;
  let events = 0;
  let verified = 0;
  let divergedAt: number | undefined;
  let end: Now | undefined;
  const effects: Record<string, number> = {};
  const facts: string[] = [];
  for (const line of lines) {
    number++;
    if (line.trim() === '' || line.startsWith('#')) continue;
    if (config === undefined) {
      config = decodeHeader(line).config;
      continue;
    }
    const entry = decodeEntry(line, number);
    const settings = config;
    const running = engine ?? taken(number, () => new Engine(settings, entry.now));
    engine = running;
    const out = taken(number, () => running.handle(entry.event, entry.now));
    end = entry.now;
    events++;
    note(out, effects, facts);
    if (entry.effects === undefined) continue;
    verified++;
    if (divergedAt === undefined && digest(out) !== entry.effects) divergedAt = number;
  }
  const tracking = end === undefined ? undefined : engine?.tracking(end);
  return { events, effects, facts, end, tracking, verified, divergedAt };
};

/** The engine never throws on what the daemon gives it; a log of another version, or one edited by hand, is something else. */
const taken = <T>(line: number, act: () => T): T => {
  try {
    return act();
  } catch (cause) {
    throw new CodedError('ERR_TB_REPLAY', `line ${line}: not for the engine of this version`, { cause });
  }
};

const note = (out: readonly Effect[], effects: Record<string, number>, facts: string[]): void => {
  for (const effect of out) {
    effects[effect.kind] = (effects[effect.kind] ?? 0) + 1;
    if (effect.kind === 'fact' && effect.fact.severity !== 'debug' && facts.length < MAX_FACTS) {
      facts.push(effect.fact.text);
    }
  }
};
