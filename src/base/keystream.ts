/** Unpredictable bits from a secret seed: the ChaCha20 key stream (RFC 8439, 2.3). The same seed gives the same run. */
export type StreamSeed = readonly number[];

const CONSTANTS = [0x61707865, 0x3320646e, 0x79622d32, 0x6b206574] as const;
/** Words of the seed. */
export const SEED_WORDS = 8;
const BLOCK_WORDS = 16;

const quarter = (x: Uint32Array, a: number, b: number, c: number, d: number): void => {
  x[a] = x[a]! + x[b]!;
  x[d] = rotate(x[d]! ^ x[a]!, 16);
  x[c] = x[c]! + x[d]!;
  x[b] = rotate(x[b]! ^ x[c]!, 12);
  x[a] = x[a]! + x[b]!;
  x[d] = rotate(x[d]! ^ x[a]!, 8);
  x[c] = x[c]! + x[d]!;
  x[b] = rotate(x[b]! ^ x[c]!, 7);
};

const rotate = (v: number, n: number): number => (v << n) | (v >>> (32 - n));

export class KeyStream {
  private readonly state = new Uint32Array(BLOCK_WORDS);
  private readonly block = new Uint32Array(BLOCK_WORDS);
  private at = BLOCK_WORDS;

  /** `seed`: up to SEED_WORDS words of 32 bits, the key; missing ones are 0. */
  constructor(seed: StreamSeed) {
    this.state.set(CONSTANTS);
    this.state.set(seed.slice(0, SEED_WORDS), 4);
  }

  u32(): number {
    if (this.at === BLOCK_WORDS) this.refill();
    return this.block[this.at++]!;
  }

  /** Uniform in [0, 1). */
  uniform(): number {
    return this.u32() / 4294967296;
  }

  private refill(): void {
    const { state, block } = this;
    block.set(state);
    for (let round = 0; round < 10; round++) {
      for (let i = 0; i < 4; i++) quarter(block, i, i + 4, i + 8, i + 12);
      for (let i = 0; i < 4; i++) quarter(block, i, 4 + ((i + 1) & 3), 8 + ((i + 2) & 3), 12 + ((i + 3) & 3));
    }
    for (let i = 0; i < BLOCK_WORDS; i++) block[i] = block[i]! + state[i]!;
    // 64 bits of counter: 2^70 bytes.
    state[12] = state[12]! + 1;
    if (state[12] === 0) state[13] = state[13]! + 1;
    this.at = 0;
  }
}
