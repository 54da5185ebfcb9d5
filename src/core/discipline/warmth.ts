import { diffMono, type Mono } from '../../base/time.js';
import type { Frequency, Seconds } from '../../base/units.js';

/**
 * What the temperature does to the oscillator, learned while there is a reference: changes of the frequency over some
 * minutes are regressed on changes of the temperature and of its square over the same time. Changes, because the
 * frequency wanders and ages: only its changes over a fixed time have errors that do not grow.
 *
 * The sensor sits beside the quartz, not in it, and is sooner warm. So the same regression is kept for the temperature as
 * it comes and for smoothed ones, and the one that leaves least is used. Units of the sensor do not matter.
 */

/** s between points. */
const STEP = 16;
/** Points that a change spans: the noise of single frequencies counts little, a fan that starts is still one change. */
const SPAN = 16;
/** Time constants of the smoothing, s. */
const DELAYS: readonly Seconds[] = [0, 60, 120, 300];
/** Changes over which the regression is remembered: a day. */
const MEMORY = 86_400 / STEP;
/** Changes (they overlap SPAN times) before anything is said: half an hour. */
const ENOUGH = 1800 / STEP;
/** Standard errors that make the square of the temperature worth its noise … */
const CURVED = 5;
/** … and that a foretold change must have to be acted on. */
const SURE = 2;
/** Share of the range of temperatures seen by which the model may be used beyond it. */
const BEYOND = 0.25;
/** No quartz goes further in one absence of the reference; more is a broken sensor. */
const MOST: Frequency = 10e-6;

class Regression {
  private smooth: number | undefined;
  private readonly temperatures: number[] = [];
  private origin = 0;
  private low = Number.POSITIVE_INFINITY;
  private high = Number.NEGATIVE_INFINITY;
  private n = 0;
  /** Sums over changes: of the temperature (1), its square (2) and the frequency (y). */
  private s11 = 0;
  private s12 = 0;
  private s22 = 0;
  private s1y = 0;
  private s2y = 0;
  private syy = 0;

  constructor(private readonly delay: Seconds) {}

  get temperature(): number | undefined {
    return this.smooth;
  }

  sense(value: number, dt: Seconds): void {
    const gain = this.delay === 0 ? 1 : 1 - Math.exp(-dt / this.delay);
    this.smooth = this.smooth === undefined ? value : this.smooth + gain * (value - this.smooth);
  }

  /** `change`: of the frequency in the last SPAN steps; undefined as long as there are not so many. */
  add(change: Frequency | undefined): void {
    const t = this.smooth!;
    if (this.n === 0 && this.temperatures.length === 0) this.origin = t;
    this.temperatures.push(t - this.origin);
    this.low = Math.min(this.low, t);
    this.high = Math.max(this.high, t);
    if (this.temperatures.length <= SPAN) return;
    const before = this.temperatures.shift()!;
    if (change !== undefined) this.learn(t - this.origin - before, (t - this.origin) ** 2 - before ** 2, change);
  }

  /** The points before are not SPAN steps back any more. */
  interrupt(): void {
    this.temperatures.length = 0;
  }

  /** Mean square of what the regression leaves of the changes; undefined = not enough seen. */
  get left(): number | undefined {
    if (this.n < ENOUGH || !(this.s11 > 0)) return undefined;
    const [b, c] = this.slopes();
    return Math.max(0, this.syy - b * this.s1y - c * this.s2y) / this.n;
  }

  /** Change of the frequency between two temperatures, 0 where it is not sure. */
  foretell(from: number, to: number): Frequency {
    const margin = BEYOND * (this.high - this.low);
    const within = (t: number): number => Math.min(this.high + margin, Math.max(this.low - margin, t)) - this.origin;
    const [u, v] = [within(from), within(to)];
    const [b, c] = this.slopes();
    const change = b * (v - u) + c * (v * v - u * u);
    // Each change is seen SPAN times over.
    const error = Math.abs(v - u) * Math.sqrt((SPAN * this.left!) / this.s11);
    if (Math.abs(change) < SURE * error) return 0;
    return Math.max(-MOST, Math.min(MOST, change));
  }

  private learn(x1: number, x2: number, y: Frequency): void {
    const keep = 1 - 1 / MEMORY;
    this.n = keep * this.n + 1;
    this.s11 = keep * this.s11 + x1 * x1;
    this.s12 = keep * this.s12 + x1 * x2;
    this.s22 = keep * this.s22 + x2 * x2;
    this.s1y = keep * this.s1y + x1 * y;
    this.s2y = keep * this.s2y + x2 * y;
    this.syy = keep * this.syy + y * y;
  }

  /** Of the temperature and its square; the latter 0 unless it is beyond doubt. */
  private slopes(): readonly [number, number] {
    const { s11, s12, s22, s1y, s2y, syy, n } = this;
    const line = s1y / s11;
    const det = s11 * s22 - s12 * s12;
    if (!(det > 1e-9 * s11 * s22)) return [line, 0];
    const c = (s11 * s2y - s12 * s1y) / det;
    const b = (s22 * s1y - s12 * s2y) / det;
    const left = Math.max(0, syy - b * s1y - c * s2y) / n;
    return c * c * det > CURVED * CURVED * SPAN * left * s11 ? [b, c] : [line, 0];
  }
}

export class Warmth {
  private readonly regressions = DELAYS.map((delay) => new Regression(delay));
  private readonly past: Frequency[] = [];
  private wait: Seconds = 0;
  private sensedAt: Mono | undefined;
  /** In use since the reference was lost, with the temperature at which it was. */
  private held: { readonly by: Regression; readonly from: number; applied: Frequency } | undefined;

  /** The sensor says so. Returns what the rate has to be changed by because of it, where nothing else guides the clock. */
  sense(value: number, at: Mono): Frequency {
    const dt = this.sensedAt === undefined ? 0 : diffMono(at, this.sensedAt);
    this.sensedAt = at;
    for (const r of this.regressions) r.sense(value, dt);
    return this.due();
  }

  /** `dt` s passed with reference, at whose end the clock's whole rate is `freq`. */
  observe(freq: Frequency, dt: Seconds): void {
    this.held = undefined;
    if (this.sensedAt === undefined) return;
    this.wait += dt;
    if (this.wait < STEP) return;
    if (this.wait > 2 * STEP) this.interrupt();
    else this.wait -= STEP;
    this.past.push(freq);
    const change = this.past.length > SPAN ? freq - this.past.shift()! : undefined;
    for (const r of this.regressions) r.add(change);
  }

  /** The reference is lost: from here on the temperature decides. */
  hold(): void {
    const { best } = this;
    this.interrupt();
    this.held = best && { by: best, from: best.temperature!, applied: 0 };
  }

  /** Since the last call. */
  private due(): Frequency {
    const { held } = this;
    if (held === undefined) return 0;
    const whole = held.by.foretell(held.from, held.by.temperature!);
    const dfreq = whole - held.applied;
    held.applied = whole;
    return dfreq;
  }

  /** Does the temperature guide the clock now? */
  get guides(): boolean {
    return this.held !== undefined;
  }

  private get best(): Regression | undefined {
    const known = this.regressions.filter((r) => r.left !== undefined);
    return known.reduce<Regression | undefined>((a, r) => (a === undefined || r.left! < a.left! ? r : a), undefined);
  }

  private interrupt(): void {
    this.past.length = 0;
    this.wait = 0;
    for (const r of this.regressions) r.interrupt();
  }
}
