const word = (high: number, low: number): bigint => (BigInt(high) << 32n) | BigInt(low);

/**
 * Seeded random numbers (splitmix64; Marsaglia's polar method for normals): the same seed gives the same run. The 64-bit
 * words are kept as two halves: as bigints they would cost a simulation more than everything that they decide.
 */
export class Prng {
  private high: number;
  private low: number;
  /** Halves of the last word drawn. */
  private zh = 0;
  private zl = 0;
  private spare: number | undefined;

  constructor(seed: number | bigint) {
    const state = BigInt.asUintN(64, BigInt(seed));
    this.high = Number(state >> 32n);
    this.low = Number(state & 0xffffffffn);
  }

  u64(): bigint {
    this.draw();
    return word(this.zh, this.zl);
  }

  u32(): number {
    this.draw();
    return this.zh;
  }

  /** Uniform in (0, 1). */
  uniform(): number {
    this.draw();
    return (this.zh * 2097152 + (this.zl >>> 11) + 0.5) / 9007199254740992;
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
    return new Prng(word(this.high, this.low) ^ h);
  }

  private draw(): void {
    const low = this.low + 0x7f4a7c15;
    this.low = low >>> 0;
    this.high = (this.high + 0x9e3779b9 + (low > 0xffffffff ? 1 : 0)) >>> 0;
    // z ^= z >> 30, times 0xbf58476d1ce4e5b9
    let l = (this.low ^ ((this.high << 2) | (this.low >>> 30))) >>> 0;
    let h = (this.high ^ (this.high >>> 30)) >>> 0;
    this.multiply(h, l, 0xbf58476d, 0x1ce4e5b9);
    // z ^= z >> 27, times 0x94d049bb133111eb
    l = (this.zl ^ ((this.zh << 5) | (this.zl >>> 27))) >>> 0;
    h = (this.zh ^ (this.zh >>> 27)) >>> 0;
    this.multiply(h, l, 0x94d049bb, 0x133111eb);
    // z ^= z >> 31
    l = this.zl ^ ((this.zh << 1) | (this.zl >>> 31));
    this.zh = (this.zh ^ (this.zh >>> 31)) >>> 0;
    this.zl = l >>> 0;
  }

  /** z = a × b modulo 2^64. */
  private multiply(ah: number, al: number, bh: number, bl: number): void {
    const a0 = al & 0xffff;
    const a1 = al >>> 16;
    const b0 = bl & 0xffff;
    const b1 = bl >>> 16;
    const low = a0 * b0;
    // Below 2^33 each: their sum with the carry is exact.
    const middle = a1 * b0 + a0 * b1 + Math.floor(low / 65536);
    const carry = a1 * b1 + Math.floor(middle / 65536);
    this.zl = (((middle % 65536) << 16) | (low & 0xffff)) >>> 0;
    this.zh = (carry + Math.imul(ah, bl) + Math.imul(al, bh)) >>> 0;
  }
}
