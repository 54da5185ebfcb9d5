import type { RefId } from '../../base/refid.js';
import type { Instant } from '../../base/time.js';
import type { Frequency, Leap, Seconds } from '../../base/units.js';
import { leapVote } from '../discipline/leap.js';
import type { SelectionOptions } from '../refclock/options.js';
import { type Agreement, agree, type Claim, isTruechimer } from './marzullo.js';
import { REACH_BITS, type Source } from './source.js';

/** A new source must be this many times better, update by update, before it takes over. */
const SCORE_LIMIT = 10;
/** Updates for which a source that did not agree stays out of the combination; while it is young only one. */
const PENALTY = 32;
/** Polls without a sample after which a reference clock hands over to one that is about as good. */
const SILENT_POLLS = 2;
/** Half-width of what two frequencies may differ by, in their skews. */
const FREQ_AGREEMENT = 3;

/** `local … orphan`: NTP sources from this stratum on serve local time as we do. */
export interface OrphanRule {
  readonly stratum: number;
  /** The reference id that we have for a source: of our address that its replies come to; undefined = none came yet. */
  ownRefId(source: number): RefId | undefined;
}

/** What one run decides. */
export interface Outcome {
  readonly selected: Source | undefined;
  /** Survivors that enter the estimate, the selected one among them. */
  readonly combined: readonly Source[];
  readonly leap: Leap;
  /** Why nothing is selected, as chrony says it; undefined when something is, or when it is too early to say. */
  readonly failure: string | undefined;
}

const NOTHING = (failure: string | undefined): Outcome => ({ selected: undefined, combined: [], leap: 3, failure });

/** Interval width and other figures in reasons: enough digits to compare, few enough to read. */
const s = (x: number): string => `${x.toPrecision(3)} s`;

/** One run of the selection: marks every source with a state and says which one the clock follows. */
export class SelectionRun {
  constructor(
    private readonly sources: readonly Source[],
    private readonly options: SelectionOptions,
    private readonly maxclockerror: Frequency,
    private readonly now: Instant,
    private readonly current: Source | undefined,
    private readonly orphans?: OrphanRule,
  ) {}

  decide(): Outcome {
    const usable = this.dropOrphans(this.dropStale(this.sources.filter((source) => this.isUsable(source))));
    if (usable.length === 0) return NOTHING(this.noneSelectable());
    if (this.mustWait(usable)) return NOTHING(undefined);
    const agreed = this.agreement(usable);
    if (typeof agreed === 'string') return NOTHING(agreed);
    const truechimers = dropFalsetickers(usable, agreed);
    const lacking = this.lacking(truechimers);
    if (lacking !== undefined) return NOTHING(lacking);
    const leap = voteLeap(truechimers);
    const preferred = dropUnpreferred(truechimers);
    const selected = this.choose(preferred);
    if (!selected) return NOTHING(undefined);
    return { selected, combined: this.combine(selected, preferred), leap, failure: undefined };
  }

  /** Steps 1 to 3: what a source has to be by itself. */
  private isUsable(source: Source): boolean {
    const { options } = this;
    const data = source.stats.selectionData(this.now);
    source.data = data;
    if (source.effective.noselect) return no(source, 'N', 'configured with noselect');
    if (!data) return no(source, 'M', `${source.stats.count} samples, 2 needed`);
    if (source.leap === 3) return no(source, 's', 'the source is not synchronised');
    if (source.stratum < options.minstratum || source.stratum > options.maxstratum) {
      return no(source, 'r', `stratum ${source.stratum} not in ${options.minstratum}…${options.maxstratum}`);
    }
    // Figures extrapolated for longer than half of what they rest on are worth less.
    if (data.lastAgo * 2 > data.firstAgo) {
      const extra = this.maxclockerror * (2 * data.lastAgo - data.firstAgo);
      source.data = { ...data, rootDistance: data.rootDistance + extra };
    }
    const distance = source.data!.rootDistance;
    if (distance > options.maxdistance) {
      return no(source, 'd', `root distance ${s(distance)} over maxdistance ${s(options.maxdistance)}`);
    }
    if (data.stdDev > options.maxjitter) {
      return no(source, '~', `standard deviation ${s(data.stdDev)} over maxjitter ${s(options.maxjitter)}`);
    }
    return true;
  }

  /** Step 4: an unreachable source counts only while its newest sample is still among what the others rest on. */
  private dropStale(usable: Source[]): Source[] {
    const reachable = usable.filter((source) => source.reach !== 0);
    const oldest = Math.max(0, ...reachable.map((source) => source.data!.firstAgo));
    return usable.filter((source) => {
      if (source.reach !== 0) return true;
      if (source.unreachable > source.info.maxunreach) {
        return no(source, 'S', `unreachable for ${source.unreachable} polls`);
      }
      if (source.data!.lastAgo > oldest)
        return no(source, 'S', `unreachable, last sample ${s(source.data!.lastAgo)} ago`);
      return true;
    });
  }

  /**
   * Step 5: who serves local time counts only where there is nothing better, and then only the one with the smallest
   * reference id, if ours is greater. So of a group that sees one another all follow the same one, which follows nobody.
   */
  private dropOrphans(usable: Source[]): Source[] {
    const { orphans } = this;
    if (orphans === undefined) return usable;
    const others = usable.filter((source) => {
      if (source.info.kind === 'refclock' || source.stratum < orphans.stratum) return true;
      return no(source, 'O', `serves local time: stratum ${source.stratum}, ours would be ${orphans.stratum}`);
    });
    if (others.length > 0) return others;
    const leader = least(
      usable.filter((source) => source.stratum === orphans.stratum && source.reach !== 0),
      (source) => source.info.refId,
    );
    if (leader === undefined) return [];
    const own = orphans.ownRefId(leader.index);
    const theirs = leader.info.refId;
    if (own === undefined) return [];
    if (theirs < own) return [leader];
    leader.mark('O', `its reference id ${hex(theirs)} is not smaller than ours, ${hex(own)}`);
    return [];
  }

  /** Step 6: at the start, sources that answer as well but have too few samples get their chance first. */
  private mustWait(usable: Source[]): boolean {
    if (this.current) return false;
    const longest = Math.max(...usable.map((source) => source.reachSize));
    const best = Math.max(...usable.map((source) => source.reach));
    const ready = new Set(usable);
    const waiting = this.sources.find(
      // One poll behind. Who has answered as often and has no samples all the same will not have any soon.
      (source) => !ready.has(source) && source.state === 'M' && source.reach !== 0 && source.reach === best >> 1,
    );
    if (!waiting || longest >= REACH_BITS) return false;
    for (const source of usable) source.mark('w', `waiting for samples of ${waiting.info.name}`);
    return true;
  }

  /** Step 7: the interval of most sources, if they are a majority. */
  private agreement(usable: Source[]): Agreement | string {
    const agreed = agree(usable.map(claimOf))!;
    const trusted = usable.filter((source) => source.effective.trust).length;
    const voters = trusted > 0 ? trusted : usable.length;
    const depth = trusted > 0 ? agreed.trustDepth : agreed.depth;
    if (depth * 2 > voters) return agreed;
    for (const source of usable) source.mark('x', `no majority: ${depth} of ${voters} agree`);
    const detail = depth < 2 ? `no agreement among ${voters} sources` : `only ${depth} of ${voters} sources agree`;
    return `Can't synchronise: no majority (${detail})`;
  }

  /** Step 9. */
  private lacking(truechimers: Source[]): string | undefined {
    const required = this.sources.some((source) => source.effective.require);
    const missing = required && !truechimers.some((source) => source.effective.require);
    if (!missing && truechimers.length >= this.options.minsources) return undefined;
    const reason = missing
      ? 'no required source in selectable sources'
      : `not enough selectable sources (${truechimers.length} of ${this.options.minsources})`;
    for (const source of truechimers) source.mark('W', reason);
    return `Can't synchronise: ${missing ? reason : 'not enough selectable sources'}`;
  }

  /** Step 11: the source with the best score, but no change for a little. */
  private choose(survivors: Source[]): Source | undefined {
    const least = Math.min(...survivors.map((source) => source.stratum));
    const distance = (source: Source): Seconds =>
      source.data!.rootDistance + (source.stratum - least) * this.options.stratumweight + this.handicap(source);
    const { current } = this;
    const survived = new Set(survivors);
    for (const source of this.sources) {
      if (!survived.has(source)) source.score = 1;
      else if (!current?.data) source.score = 1 / distance(source);
      else if (source.updates > 0 || current.updates > 0) {
        const own = current.data.rootDistance + (current.stratum - least) * this.options.stratumweight;
        source.score = Math.max(1, (source.score * (own + this.handicap(current))) / distance(source));
      }
    }
    const kept = current && survived.has(current) ? current : undefined;
    const heir = kept && this.heir(kept, survivors, distance);
    const best = heir ?? survivors.reduce((a, b) => (b.score > a.score ? b : a));
    if (kept && !heir && (best === kept || best.score <= SCORE_LIMIT)) return kept;
    if (best.updates === 0) {
      for (const source of survivors) source.mark('U', `waiting for a new sample of ${best.info.name}`);
      return undefined;
    }
    for (const source of this.sources) source.score = 1;
    for (const source of this.sources) source.penalty = 0;
    return best;
  }

  /**
   * Of a reference clock that fell silent. Its figures get worse only after as long as they were gathered, and as long as
   * that nothing would steer the clock. Others than reference clocks miss a poll now and then, and worse ones can wait.
   */
  private heir(
    current: Source,
    survivors: readonly Source[],
    distance: (source: Source) => Seconds,
  ): Source | undefined {
    if (current.info.kind !== 'refclock' || current.unreachable < SILENT_POLLS) return undefined;
    const limit = this.options.combinelimit * distance(current);
    const heir = least(
      survivors.filter((s) => s.info.kind === 'refclock' && s.unreachable === 0 && distance(s) <= limit),
      distance,
    );
    // It takes over with a sample of its own.
    return heir !== undefined && heir.updates > 0 ? heir : undefined;
  }

  /** Reference clocks get a bonus over servers at the same distance. */
  private handicap(source: Source): Seconds {
    return source.info.kind === 'refclock' ? 0 : this.options.reselectdist;
  }

  /** Step 12: survivors close enough to the selected one to be averaged with it. */
  private combine(selected: Source, survivors: Source[]): Source[] {
    selected.mark('*', `selected, true time within ${s(selected.lo)}…${s(selected.hi)} of ours`);
    selected.penalty = 0;
    return survivors.filter((source) => source === selected || this.isClose(source, selected));
  }

  private isClose(source: Source, selected: Source): boolean {
    const distance = source.data!.rootDistance + this.handicap(source);
    const limit = this.options.combinelimit * (selected.data!.rootDistance + this.handicap(selected));
    const ours = source.stats.estimate;
    const theirs = selected.stats.estimate;
    const freqLimit = FREQ_AGREEMENT * (ours.skew + theirs.skew + this.maxclockerror);
    const far = distance > limit;
    if (far || Math.abs(ours.freq - theirs.freq) > freqLimit) {
      source.penalty = source.reachSize < REACH_BITS ? 1 : PENALTY;
      return no(source, 'D', far ? `distance ${s(distance)} over ${s(limit)}` : 'frequency differs from the selected');
    }
    if (source.penalty > 0) {
      if (source.updates > 0) source.penalty--;
      return no(source, 'D', `disagreed lately, ${source.penalty} more updates`);
    }
    source.mark('+', 'combined with the selected source');
    return true;
  }

  private noneSelectable(): string | undefined {
    const candidates = this.sources.filter((source) => !source.effective.noselect);
    if (candidates.length === 0) return "Can't synchronise: no sources";
    const unreachable = candidates.filter((source) => source.reach === 0).length;
    const detail = unreachable > 0 ? ` (${unreachable} unreachable sources)` : '';
    return `Can't synchronise: no selectable sources${detail}`;
  }
}

/** The source with the smallest figure; of equal ones the first. */
const least = (sources: readonly Source[], figure: (source: Source) => number): Source | undefined =>
  sources.reduce<Source | undefined>((a, b) => (a === undefined || figure(b) < figure(a) ? b : a), undefined);

const hex = (id: RefId): string => id.toString(16).toUpperCase().padStart(8, '0');

const claimOf = (source: Source): Claim => ({ lo: source.lo, hi: source.hi, trusted: source.effective.trust });

/** Marks and says no. */
function no(source: Source, state: Source['state'], reason: string): false {
  source.mark(state, reason);
  return false;
}

/** Step 8. With trusted sources, the others must lie inside what the trusted truechimers span. */
function dropFalsetickers(usable: Source[], agreed: Agreement): Source[] {
  const truechimers = usable.filter((source) => {
    if (isTruechimer(claimOf(source), agreed)) return true;
    return no(
      source,
      'x',
      `interval ${s(source.lo)}…${s(source.hi)} misses the agreed ${s(agreed.lo)}…${s(agreed.hi)}`,
    );
  });
  const trusted = truechimers.filter((source) => source.effective.trust);
  if (trusted.length === 0) return truechimers;
  const lo = Math.min(...trusted.map((source) => source.lo));
  const hi = Math.max(...trusted.map((source) => source.hi));
  return truechimers.filter((source) => {
    if (source.effective.trust || (source.lo >= lo && source.hi <= hi)) return true;
    return no(source, 'T', `not inside the trusted interval ${s(lo)}…${s(hi)}`);
  });
}

/** Step 10. */
function dropUnpreferred(truechimers: Source[]): Source[] {
  const preferred = truechimers.filter((source) => source.effective.prefer);
  if (preferred.length === 0) return truechimers;
  for (const source of truechimers) {
    if (!source.effective.prefer) source.mark('P', `${preferred[0]!.info.name} is preferred`);
  }
  return preferred;
}

/** Step 13: majority of the truechimers, of the trusted ones where there are any. */
function voteLeap(truechimers: Source[]): Leap {
  const trusted = truechimers.filter((source) => source.effective.trust);
  return leapVote((trusted.length > 0 ? trusted : truechimers).map((source) => source.leap));
}
