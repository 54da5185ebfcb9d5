import type { Mono } from '../base/time.js';

export type Cancel = () => void;

/** Runs a function once at or soon after a monotonic instant. Real: timers. Simulated: the virtual event queue. */
export interface Scheduler {
  now(): Mono;
  at(when: Mono, run: () => void): Cancel;
}
