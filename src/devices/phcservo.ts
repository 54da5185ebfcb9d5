import type { Instant } from '../base/time.js';
import { instant } from '../base/time.js';
import type { Frequency } from '../base/units.js';
import type { Native, NativePhc } from './native.js';
import { PhcReader, phcPath } from './phc.js';

/** adjtimex modes (linux/timex.h) that a PHC takes. */
const ADJ = { FREQUENCY: 0x2, SETOFFSET: 0x100, NANO: 0x2000 } as const;
/** 2^-16 ppm. */
const FREQ_UNIT = 65536e6;
const NS_A_SECOND = 1_000_000_000n;

/** A PHC that is steered: opened for writing, read against the system clock, its rate and time set. */
export class SteeredPhc {
  readonly path: string;
  /** Largest change of its rate. */
  readonly maxFrequency: Frequency;
  private readonly phc: NativePhc;
  private readonly reader: PhcReader;

  /** `device`: its path, or an interface's name. Throws what opening it throws. */
  constructor(
    private readonly native: Native,
    device: string,
  ) {
    this.path = phcPath(native, device);
    this.phc = new native.Phc(this.path, true);
    this.maxFrequency = this.phc.capabilities().maxAdjPpb * 1e-9;
    this.reader = new PhcReader(this.phc, { noCrossts: false });
  }

  /** Its time at a moment of the system clock (raw). */
  read(): { readonly raw: Instant; readonly phc: bigint } {
    const { before, phc, after } = this.reader.read();
    return { raw: instant(before + (after - before) / 2n), phc };
  }

  frequency(): Frequency {
    return Number(this.native.clockAdjtime(this.phc.clockId, { modes: 0 }).freq) / FREQ_UNIT;
  }

  setFrequency(freq: Frequency): void {
    const timex = { modes: ADJ.FREQUENCY, freq: BigInt(Math.round(freq * FREQ_UNIT)) };
    this.native.clockAdjtime(this.phc.clockId, timex);
  }

  /** ns forward. */
  step(ns: bigint): void {
    // tv_usec carries ns and must not be negative: whole seconds are rounded down.
    const rest = ((ns % NS_A_SECOND) + NS_A_SECOND) % NS_A_SECOND;
    const modes = ADJ.SETOFFSET | ADJ.NANO;
    this.native.clockAdjtime(this.phc.clockId, { modes, timeSec: (ns - rest) / NS_A_SECOND, timeUsec: rest });
  }

  close(): void {
    this.phc.close();
  }
}
