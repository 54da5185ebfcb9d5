import { add, diff } from '../../../base/time.js';
import type { Seconds } from '../../../base/units.js';
import { type ClockChange, offsetShift, type Sample, timeShift } from '../../sample.js';

/** A sample and what it is worth. */
export interface Weighed {
  readonly sample: Sample;
  /** 1 sd of its offset, and of an ordinary one. */
  readonly sigma: Seconds;
  readonly usualSigma: Seconds;
}

/** `filter N`: of every N requests one sample is made, the mean of what came back, each reply by its worth. */
export class SampleFilter {
  private kept: Weighed[] = [];
  private attempts = 0;

  constructor(private readonly length: number) {}

  /** A request without a usable reply: counts, brings nothing. */
  miss(): void {
    this.attempts++;
  }

  /** Undefined: more are to come. */
  add(weighed: Weighed): Weighed | undefined {
    this.attempts++;
    this.kept.push(weighed);
    if (this.attempts < this.length) return undefined;
    const result = combine(this.kept);
    this.reset();
    return result;
  }

  reset(): void {
    this.kept = [];
    this.attempts = 0;
  }

  rebase(change: ClockChange): void {
    this.kept = this.kept.map((w) => {
      const { time, offset } = w.sample;
      const moved = { time: add(time, timeShift(change, time)), offset: offset + offsetShift(change, time) };
      return { ...w, sample: { ...w.sample, ...moved } };
    });
  }
}

const combine = (list: readonly Weighed[]): Weighed => {
  const newest = list.at(-1)!;
  let weights = 0;
  let ago = 0;
  const sums = { offset: 0, peerDelay: 0, peerDispersion: 0, rootDelay: 0, rootDispersion: 0 };
  for (const { sample, sigma } of list) {
    const w = 1 / sigma ** 2;
    weights += w;
    ago += w * diff(newest.sample.time, sample.time);
    for (const key of Object.keys(sums) as (keyof typeof sums)[]) sums[key] += w * sample[key];
  }
  for (const key of Object.keys(sums) as (keyof typeof sums)[]) sums[key] /= weights;
  return {
    sample: { ...newest.sample, ...sums, time: add(newest.sample.time, -ago / weights) },
    sigma: 1 / Math.sqrt(weights),
    usualSigma: newest.usualSigma / Math.sqrt(list.length),
  };
};
