import {
  type Grandmaster,
  MANAGEMENT,
  type Management,
  PORT_STATE,
  readGrandmaster,
  readPortState,
  readTimeProperties,
  type TimeProperties,
} from '../../wire/ptp/management.js';

/** What is known of the clock that a PTP daemon steers. */
export interface PtpTime {
  /**
   * silent: the daemon does not answer · waiting: it follows nobody · arbitrary: whom it follows counts from an epoch of its
   * own · synchronised: the clock runs on TAI.
   */
  readonly state: 'silent' | 'waiting' | 'arbitrary' | 'synchronised';
  /** TAI − UTC, s, where the grandmaster vouches for it. */
  readonly utcOffset: number | undefined;
  readonly traceable: boolean;
  readonly grandmaster: Grandmaster | undefined;
}

export const SILENT: PtpTime = { state: 'silent', utcOffset: undefined, traceable: false, grandmaster: undefined };

/** No offset has ever been outside this, s, nor will it be within a lifetime of this program. */
const MIN_UTC_OFFSET = 10;
const MAX_UTC_OFFSET = 100;

/** Rounds without an answer after which what was said before no longer holds. */
const PATIENCE = 3;

/** Puts together what a PTP daemon answers, a round of questions at a time. */
export class ReceiverWatch {
  private following = false;
  private answered = false;
  private properties: TimeProperties | undefined;
  private grandmaster: Grandmaster | undefined;
  private misses = PATIENCE;
  private current = SILENT;

  answer({ id, data, error }: Management): void {
    if (error !== undefined) return;
    if (id === MANAGEMENT.PORT_DATA_SET) {
      this.answered = true;
      if (readPortState(data) === PORT_STATE.SLAVE) this.following = true;
    } else if (id === MANAGEMENT.TIME_PROPERTIES_DATA_SET) this.properties = readTimeProperties(data);
    else if (id === MANAGEMENT.PARENT_DATA_SET) this.grandmaster = readGrandmaster(data);
  }

  /** The round is over; what is known now. */
  conclude(): PtpTime {
    const { answered, following, properties, grandmaster } = this;
    this.answered = false;
    this.following = false;
    this.properties = undefined;
    this.grandmaster = undefined;
    if (!answered || properties === undefined) {
      if (++this.misses >= PATIENCE) this.current = SILENT;
      return this.current;
    }
    this.misses = 0;
    this.current = timeOf(following, properties, grandmaster);
    return this.current;
  }
}

const timeOf = (following: boolean, p: TimeProperties, grandmaster: Grandmaster | undefined): PtpTime => {
  if (!following) return { ...SILENT, state: 'waiting' };
  const known = { traceable: p.timeTraceable, grandmaster };
  if (!p.ptpTimescale) return { ...known, state: 'arbitrary', utcOffset: undefined };
  const sane = p.utcOffset >= MIN_UTC_OFFSET && p.utcOffset <= MAX_UTC_OFFSET;
  return { ...known, state: 'synchronised', utcOffset: p.utcOffsetValid && sane ? p.utcOffset : undefined };
};

export const samePtpTime = (a: PtpTime, b: PtpTime): boolean =>
  a.state === b.state &&
  a.utcOffset === b.utcOffset &&
  a.traceable === b.traceable &&
  a.grandmaster?.identity === b.grandmaster?.identity &&
  a.grandmaster?.clockClass === b.grandmaster?.clockClass &&
  a.grandmaster?.accuracy === b.grandmaster?.accuracy;
