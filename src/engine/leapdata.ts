import { add, diff, floorSeconds, type Instant, toIso } from '../base/time.js';
import type { Leap } from '../base/units.js';
import { BUILT_IN, leapOfDay, taiOffsetAt, utcFromTai } from '../core/discipline/leaptable.js';
import type { PtpTime } from '../core/ptp/receiver.js';
import type { ManagerFact } from '../core/refclock/types.js';
import type { LeapTable } from '../wire/leapfile.js';
import type { TimeMessage } from '../wire/timemessage.js';
import type { Event } from './events.js';

const DAY = 86400;
/** Days before the expiry of a table from which on it is said, every day: a new one has been out for months by then. */
const WARN_DAYS = 28;
/** TAI − GPS time, s, for ever. */
const TAI_GPS = 19;
/** Epochs in a row in which a receiver has to say the same: the first after its start may be from its firmware. */
const SURE = 60;

/** A table as the engine is given it. */
export interface NamedLeapTable {
  /** `leap second list FILE`, `timezone right/UTC` …: for messages. */
  readonly name: string;
  readonly table: LeapTable;
}

/** What is known about leap seconds besides the announcements of sources: a table, and the receiver's own figure. */
export class LeapData {
  private named: NamedLeapTable | undefined;
  /** TAI − UTC that a receiver says, how often in a row, and the value that was complained about. */
  private heard: { readonly taiUtc: number; readonly times: number } | undefined;
  private disputed: number | undefined;
  /** What a PTP daemon knows of the clocks that it steers; undefined = there is none that would. */
  private ptp: PtpTime | undefined;
  /** Day (UTC) on which the age of the table was last looked at. */
  private checkedDay: bigint | undefined;

  set(named: NamedLeapTable): void {
    this.named = named;
    this.checkedDay = undefined;
    this.disputed = undefined;
  }

  handle(event: Extract<Event, { kind: 'leap-table' | 'ptp-time' }>): void {
    if (event.kind === 'leap-table') this.set(event.named);
    else this.setPtp(event.time);
  }

  setPtp(ptp: PtpTime): void {
    this.ptp = ptp;
  }

  /** The vote of the sources; a table is heard where they announce nothing. */
  vote(sources: Leap, now: Instant): Leap {
    if (this.named === undefined || sources === 1 || sources === 2) return sources;
    return leapOfDay(this.named.table, now) || sources;
  }

  /** What a receiver with a fix says about GPS − UTC. */
  message({ valid, gpsUtcLeap }: TimeMessage): void {
    if (!valid || gpsUtcLeap === undefined) return;
    const taiUtc = gpsUtcLeap + TAI_GPS;
    this.heard = { taiUtc, times: this.heard?.taiUtc === taiUtc ? this.heard.times + 1 : 1 };
  }

  /** For the kernel: none unless a table was asked for; of an expired one, what the receiver knows better. */
  taiOffset(now: Instant): number | undefined {
    if (this.named === undefined) return undefined;
    return (this.isExpired(now) ? this.sure() : undefined) ?? taiOffsetAt(this.named.table, now);
  }

  /** TAI − UTC for those whom we tell, s; not valid: nobody vouches for it, and it is what was known when this was made. */
  taiOffsetOrGuess(now: Instant): { readonly offset: number; readonly valid: boolean } {
    const known = this.ptp?.utcOffset ?? this.taiOffset(now) ?? this.sure();
    if (known !== undefined) return { offset: known, valid: true };
    return { offset: taiOffsetAt(BUILT_IN, now) ?? BUILT_IN.entries[0]!.taiUtc, valid: false };
  }

  /**
   * UTC of an instant that was counted as TAI: as the PTP grandmaster has it, else by the table. A reason why the clock
   * that a PTP daemon steers does not count TAI now.
   */
  readonly utcFromTai = (tai: Instant): Instant | string | undefined => {
    const { ptp, named } = this;
    if (ptp !== undefined && ptp.state !== 'synchronised') return `ptp-${ptp.state}`;
    if (ptp?.utcOffset !== undefined) return add(tai, -ptp.utcOffset);
    return named === undefined ? undefined : utcFromTai(named.table, tai);
  };

  /** What has to be said now: about the age of the table (once a day), about a receiver that contradicts it (once). */
  findings(now: Instant): readonly ManagerFact[] {
    if (this.named === undefined) return [];
    const day = floorSeconds(now) / BigInt(DAY);
    const age = day === this.checkedDay ? undefined : this.age(this.named, now);
    this.checkedDay = day;
    return [age, this.dispute(this.named, now)].filter((f) => f !== undefined);
  }

  private age({ name, table }: NamedLeapTable, now: Instant): ManagerFact | undefined {
    if (table.expires === undefined) return undefined;
    const left = diff(table.expires, now) / DAY;
    if (left > WARN_DAYS) return undefined;
    const date = toIso(table.expires, 0).slice(0, 10);
    const subject = name.charAt(0).toUpperCase() + name.slice(1);
    const text =
      left <= 0 ? `${subject} needs update (expired on ${date})` : `${subject} needs update soon (expires on ${date})`;
    return { severity: 'warn', name: 'leap.expiry', text, fields: { expires: date } };
  }

  private dispute({ name, table }: NamedLeapTable, now: Instant): ManagerFact | undefined {
    const said = this.sure();
    const known = taiOffsetAt(table, now);
    if (said === undefined || known === undefined || said === known || said === this.disputed) return undefined;
    // Right after a leap second the receiver's last word is from before it.
    if (said === taiOffsetAt(table, add(now, -2 * SURE))) return undefined;
    this.disputed = said;
    const text = `The receiver says that TAI-UTC is ${said} seconds, the ${name} says ${known}`;
    return { severity: 'warn', name: 'leap.dispute', text, fields: { receiver: said, table: known } };
  }

  private sure(): number | undefined {
    return this.heard !== undefined && this.heard.times >= SURE ? this.heard.taiUtc : undefined;
  }

  private isExpired(now: Instant): boolean {
    const expires = this.named?.table.expires;
    return expires !== undefined && now >= expires;
  }
}
