/** Seeded random numbers (splitmix64; Marsaglia's polar method for normals): the same seed gives the same run. */
export class Prng {
  private state: bigint;
  private spare: number | undefined;

  constructor(seed: number | bigint) {
    this.state = BigInt.asUintN(64, BigInt(seed));
  }

  u64(): bigint {
    this.state = BigInt.asUintN(64, this.state + 0x9e3779b97f4a7c15n);
    let z = this.state;
    z = BigInt.asUintN(64, (z ^ (z >> 30n)) * 0xbf58476d1ce4e5b9n);
    z = BigInt.asUintN(64, (z ^ (z >> 27n)) * 0x94d049bb133111ebn);
    return z ^ (z >> 31n);
  }

  u32(): number {
    return Number(this.u64() >> 32n);
  }

  /** Uniform in (0, 1). */
  uniform(): number {
    return (Number(this.u64() >> 11n) + 0.5) / 9007199254740992;
  }

  /** Integer in [0, n). */
  below(n: number): number {
    return Math.min(n - 1, Math.floor(this.uniform() * n));
  }

  normal(): number {
    if (this.spare !== undefined) {
      const v = this.spare;
      this.spare = undefined;
      return v;
    }
    for (;;) {
      const x = 2 * this.uniform() - 1;
      const y = 2 * this.uniform() - 1;
      const s = x * x + y * y;
      if (s > 0 && s < 1) {
        const m = Math.sqrt((-2 * Math.log(s)) / s);
        this.spare = y * m;
        return x * m;
      }
    }
  }

  /** Exponential with mean 1. */
  exponential(): number {
    return -Math.log(this.uniform());
  }

  /** An independent stream named by a label, so that adding a consumer does not shift the others. */
  fork(label: string): Prng {
    let h = 0xcbf29ce484222325n;
    for (let i = 0; i < label.length; i++) {
      h = BigInt.asUintN(64, (h ^ BigInt(label.charCodeAt(i))) * 0x100000001b3n);
    }
    return new Prng(this.state ^ h);
  }
}
