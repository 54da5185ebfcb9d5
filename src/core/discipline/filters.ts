import type { Frequency, Seconds } from '../../base/units.js';

/**
 * N three-state Kalman filters (phase, frequency, and drift or the source's bias) side by side in flat arrays, each with its own process noise.
 * States are in s, s/s, 1/s; covariances are in units of the variance of the white measurement noise, so that a
 * measurement always has variance 1 and figures stay near 1 whatever the clock.
 *
 * Clock model: frequency = random walk (`wander2` a second), drift = random walk (`drift2` a second), both integrated
 * over the interval (Zucca and Tavella, IEEE UFFC 52(2), 2005), so that any spacing of measurements is right.
 */
export class Filters {
  readonly x: Float64Array;
  readonly f: Float64Array;
  readonly d: Float64Array;
  /** Six a filter: xx, xf, xd, ff, fd, dd. */
  readonly c: Float64Array;

  /**
   * @param wander2 random walk of the frequency, squared, for each filter.
   * @param drift2 random walk of the drift, squared; from `biased` on: variance of the source's bias.
   * @param biasTau correlation time of the bias, s; used from `biased` on.
   * @param biased filters from this index on have the source's slow bias in place of the drift.
   */
  constructor(
    readonly wander2: Float64Array,
    readonly drift2: Float64Array,
    readonly biasTau: Float64Array,
    readonly biased: number,
  ) {
    const n = wander2.length;
    this.x = new Float64Array(n);
    this.f = new Float64Array(n);
    this.d = new Float64Array(n);
    this.c = new Float64Array(6 * n);
  }

  /** A new start: phase as measured, frequency 0 ± sd, both covariances already in units of the noise variance. */
  start(i: number, x: Seconds, xVar: number, fVar: number, dVar: number): void {
    this.x[i] = x;
    this.f[i] = 0;
    this.d[i] = 0;
    this.c.fill(0, 6 * i, 6 * i + 6);
    this.c[6 * i] = xVar;
    this.c[6 * i + 3] = fVar;
    this.c[6 * i + 5] = dVar;
  }

  /** @param active filters from this index on are left alone. */
  advance(dt: Seconds, active: number): void {
    const { x, f, d, c, wander2, drift2 } = this;
    for (let i = this.biased; i < active; i++) this.advanceBiased(i, dt);
    const h = (dt * dt) / 2;
    const w11 = (dt * dt * dt) / 3;
    const d11 = dt ** 5 / 20;
    const d12 = dt ** 4 / 8;
    const d13 = dt ** 3 / 6;
    for (let i = 0, j = 0; i < this.biased; i++, j += 6) {
      const w = wander2[i]!;
      const v = drift2[i]!;
      x[i]! += dt * f[i]! + h * d[i]!;
      f[i]! += dt * d[i]!;
      // Rows of Phi·C, then ·Phi'; Phi = [1 dt h; 0 1 dt; 0 0 1].
      const r11 = c[j]! + dt * c[j + 1]! + h * c[j + 2]!;
      const r12 = c[j + 1]! + dt * c[j + 3]! + h * c[j + 4]!;
      const r13 = c[j + 2]! + dt * c[j + 4]! + h * c[j + 5]!;
      const r22 = c[j + 3]! + dt * c[j + 4]!;
      const r23 = c[j + 4]! + dt * c[j + 5]!;
      c[j] = r11 + dt * r12 + h * r13 + w * w11 + v * d11;
      c[j + 1] = r12 + dt * r13 + w * h + v * d12;
      c[j + 2] = r13 + v * d13;
      c[j + 3] = r22 + dt * r23 + w * dt + v * 2 * d13;
      c[j + 4] = r23 + v * h;
      c[j + 5]! += v * dt;
    }
  }

  /** The same without drift: nothing tells any more where it goes, and kept alive it would ruin an hour of holdover. */
  coast(dt: Seconds, active: number): void {
    const { x, f, d, c, wander2 } = this;
    for (let i = this.biased; i < active; i++) this.advanceBiased(i, dt);
    for (let i = 0, j = 0; i < this.biased; i++, j += 6) {
      const w = wander2[i]!;
      d[i] = 0;
      x[i]! += dt * f[i]!;
      const r12 = c[j + 1]! + dt * c[j + 3]!;
      c[j] = c[j]! + dt * (c[j + 1]! + r12) + (w * dt * dt * dt) / 3;
      c[j + 1] = r12 + (w * dt * dt) / 2;
      c[j + 2] = 0;
      c[j + 3]! += w * dt;
      c[j + 4] = 0;
    }
  }

  /** The bias goes back to zero and is driven on, as a first-order Markov process. */
  private advanceBiased(i: number, dt: Seconds): void {
    const { x, f, d, c } = this;
    const j = 6 * i;
    const w = this.wander2[i]!;
    const stay = Math.exp(-dt / this.biasTau[i]!);
    x[i]! += dt * f[i]!;
    d[i]! *= stay;
    const r12 = c[j + 1]! + dt * c[j + 3]!;
    c[j] = c[j]! + dt * (c[j + 1]! + r12) + (w * dt * dt * dt) / 3;
    c[j + 1] = r12 + (w * dt * dt) / 2;
    c[j + 2] = stay * (c[j + 2]! + dt * c[j + 4]!);
    c[j + 3]! += w * dt;
    c[j + 4]! *= stay;
    c[j + 5] = stay * stay * c[j + 5]! + this.drift2[i]! * (1 - stay * stay);
  }

  /** Predicted measurement and its variance without the white noise, for a biased filter: phase + bias. */
  seen(i: number): number {
    return this.x[i]! + this.d[i]!;
  }

  spread(i: number): number {
    return this.c[6 * i]! + 2 * this.c[6 * i + 2]! + this.c[6 * i + 5]!;
  }

  /** A measurement of phase + bias: innovation e, its variance s in units of sigma². */
  measureBiased(i: number, e: Seconds, s: number): void {
    const { c } = this;
    const j = 6 * i;
    const g1 = c[j]! + c[j + 2]!;
    const g2 = c[j + 1]! + c[j + 4]!;
    const g3 = c[j + 2]! + c[j + 5]!;
    this.x[i]! += (g1 * e) / s;
    this.f[i]! += (g2 * e) / s;
    this.d[i]! += (g3 * e) / s;
    c[j] = Math.max(c[j]! - (g1 * g1) / s, c[j]! * 1e-12);
    c[j + 1]! -= (g1 * g2) / s;
    c[j + 2]! -= (g1 * g3) / s;
    c[j + 3] = Math.max(c[j + 3]! - (g2 * g2) / s, c[j + 3]! * 1e-12);
    c[j + 4]! -= (g2 * g3) / s;
    c[j + 5] = Math.max(c[j + 5]! - (g3 * g3) / s, c[j + 5]! * 1e-12);
  }

  /** Forgets the bias of a source that is no longer used. */
  clearBias(i: number): void {
    const j = 6 * i;
    this.d[i] = 0;
    this.c[j + 2] = 0;
    this.c[j + 4] = 0;
    this.c[j + 5] = this.drift2[i]!;
  }

  /**
   * A measurement of the phase in filter i: its mean moves by `gain`·cxx, its variance is multiplied by `keep`, and
   * frequency and drift follow through their covariances. For a Gaussian measurement of variance 1 and innovation e:
   * gain = e / (cxx + 1), keep = 1 / (cxx + 1). In this form nothing cancels in the phase column however vague the
   * filter was; ff and dd lose what the correlation explains and are kept from rounding below zero.
   */
  measure(i: number, gain: number, keep: number): void {
    const { c } = this;
    const j = 6 * i;
    const c1 = c[j]!;
    const c2 = c[j + 1]!;
    const c3 = c[j + 2]!;
    const shrink = (1 - keep) / c1;
    this.x[i]! += gain * c1;
    this.f[i]! += gain * c2;
    this.d[i]! += gain * c3;
    c[j] = c1 * keep;
    c[j + 1] = c2 * keep;
    c[j + 2] = c3 * keep;
    const ff = c[j + 3]!;
    const dd = c[j + 5]!;
    // A variance known to 1e-12 of what it was is as small as this arithmetic can tell.
    c[j + 3] = Math.max(ff - shrink * c2 * c2, ff * 1e-12);
    c[j + 4]! -= shrink * c2 * c3;
    c[j + 5] = Math.max(dd - shrink * c3 * c3, dd * 1e-12);
  }

  shift(x: Seconds, f: Frequency): void {
    for (let i = 0; i < this.x.length; i++) {
      this.x[i]! -= x;
      this.f[i]! -= f;
    }
  }

  /** Filter `to` becomes a copy of filter `from` of another bank, in a unit of variance `scale` times as small. */
  copy(to: number, other: Filters, from: number, scale: number): void {
    this.x[to] = other.x[from]!;
    this.f[to] = other.f[from]!;
    this.d[to] = other.d[from]!;
    for (let k = 0; k < 6; k++) this.c[6 * to + k] = other.c[6 * from + k]! * scale;
  }
}
