import { formatIp, type IpBytes } from '../../base/ip.js';
import { diffMono, type Mono } from '../../base/time.js';
import type { Rng } from '../../ports/rng.js';

export interface BucketOptions {
  /** log2 s between two requests that can go on for ever. */
  readonly interval: number;
  /** Requests that may come at once. */
  readonly burst: number;
  /** One in 2^leak of those beyond passes all the same, so that a forger cannot silence an address for good. */
  readonly leak: number;
}

interface Bucket {
  tokens: number;
  at: Mono;
}

/** Addresses remembered; the one heard least recently makes room. */
const MAX_ADDRESSES = 4096;

/** A token bucket an address, for services that few ask (`cmdratelimit`). */
export class AddressBuckets {
  private readonly buckets = new Map<string, Bucket>();

  constructor(
    private readonly options: BucketOptions,
    private readonly rng: Rng,
  ) {}

  /** May this request be answered? */
  admits(address: IpBytes, now: Mono): boolean {
    const bucket = this.refilled(formatIp(address), now);
    if (bucket.tokens >= 1) {
      bucket.tokens--;
      return true;
    }
    return this.rng.u32() < 2 ** (32 - this.options.leak);
  }

  private refilled(key: string, now: Mono): Bucket {
    const { burst, interval } = this.options;
    const known = this.buckets.get(key);
    this.buckets.delete(key);
    const earned = known === undefined ? burst : diffMono(now, known.at) / 2 ** interval;
    const bucket = { tokens: Math.min(burst, (known?.tokens ?? 0) + earned), at: now };
    // Put back at the end: the order of a Map is the order of last use.
    this.buckets.set(key, bucket);
    if (this.buckets.size > MAX_ADDRESSES) this.buckets.delete(this.buckets.keys().next().value!);
    return bucket;
  }
}
