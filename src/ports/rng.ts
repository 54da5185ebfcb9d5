/** Random bits. Real: CSPRNG. Simulated: seeded. */
export interface Rng {
  /** Uniform over 0…2^32−1. */
  u32(): number;
}
