/**
 * A sum, its count and a peak that forget: the present epoch and the one before stand in the figures, so they always
 * cover at least one whole epoch and never more than two.
 */
export class Tally {
  private sum = 0;
  private n = 0;
  private top = 0;
  private olderSum = 0;
  private olderN = 0;
  private olderTop = 0;

  add(value: number): void {
    this.sum += value;
    this.n++;
    if (value > this.top) this.top = value;
  }

  get count(): number {
    return this.n + this.olderN;
  }

  get mean(): number {
    return (this.sum + this.olderSum) / this.count;
  }

  get peak(): number {
    return Math.max(this.top, this.olderTop);
  }

  /** A new epoch begins; what came before the last one is forgotten. */
  rotate(): void {
    [this.olderSum, this.olderN, this.olderTop] = [this.sum, this.n, this.top];
    [this.sum, this.n, this.top] = [0, 0, 0];
  }
}
