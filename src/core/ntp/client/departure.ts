import type { Seconds } from '../../../base/units.js';
import { SortedWindow } from '../../window.js';

/** Answers kept; a server's load, its card and its daemon change. */
const KEPT = 9;
/** Answers from which on they are believed. */
const ENOUGH = 3;
/** Basic replies before a question while too little is known, and later. At the start each of them is wanted as a sample. */
const HURRY = 8;
const CALM = 31;
/**
 * Questions in a row that were answered like any other request, or not at all, after which the server is taken not to know
 * them. A server may begin to keep its departures at the first one (chronyd), and one may be lost.
 */
const TRIES = 4;
/** s. A daemon that takes longer from its stamp to the wire was asleep, and the next time it will not be. */
const MOST: Seconds = 1e-3;

interface Answer {
  readonly lead: Seconds;
  /** Round trip by the true departure, s. */
  readonly delay: Seconds;
}

/**
 * How much too early the departure in a server's basic reply is: it is read before the reply is made and sent, and half of
 * that is an error of the offset that no round trip shows. A server that knows interleaved mode (RFC 9769) tells in one
 * reply when the one before it really left. So one reply in 32 is an interleaved one; it brings no sample of its own.
 */
export class Departure {
  private readonly answers: Answer[] = [];
  /** Round trips of basic replies by the departure in them. */
  private readonly delays = new SortedWindow(CALM);
  private basics = 0;
  private vain = 0;

  get isKnown(): boolean {
    return this.answers.length >= ENOUGH && this.delays.length > 0;
  }

  /**
   * s; what is to be added to the departure in a basic reply, 0 as long as nothing is known. A reply whose stamp is kept is
   * sent by a longer way than the others: it is the least that was seen, and no more than what ordinary round trips are
   * longer than the shortest true one, which on a quiet network says it exactly. No reply is faster than that one.
   *
   * @param delay round trip by the departure in the reply, s.
   */
  lead(delay: Seconds): Seconds {
    if (!this.isKnown) return 0;
    const least = Math.min(...this.answers.map(({ lead }) => lead));
    const shortest = Math.min(...this.answers.map((answer) => answer.delay));
    return Math.min(least, Math.max(0, Math.min(delay, this.delays.upperMedian) - shortest));
  }

  /** Should the next request ask for it. */
  get asks(): boolean {
    const pause = this.answers.length < ENOUGH ? HURRY : CALM;
    return this.vain < TRIES && this.basics >= pause;
  }

  /** @param delay round trip of a request without the question, by the departure in the reply, s. */
  basic(delay: Seconds): void {
    this.basics++;
    this.delays.push(delay);
  }

  /** The question was answered like any other request, or not at all. */
  refused(): void {
    this.vain++;
  }

  /**
   * The reply before left `lead` s after the time in it.
   *
   * @param delay its round trip by the time in it, s.
   */
  answered(lead: Seconds, delay: Seconds): void {
    this.basics = 0;
    this.vain = 0;
    const believable = Math.abs(lead) < MOST && lead < delay;
    if (believable && this.answers.push({ lead, delay: delay - lead }) > KEPT) this.answers.shift();
  }

  /** It may be another server now. */
  reset(): void {
    this.answers.length = 0;
    this.delays.clear();
    this.basics = 0;
    this.vain = 0;
  }
}
