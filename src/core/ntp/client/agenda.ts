import { addMono, type Mono } from '../../../base/time.js';
import type { Seconds } from '../../../base/units.js';
import type { Association } from './association.js';

/** s from the first packet that is due: whoever is due within it is looked at with each packet, and may leave with it. */
const HORIZON: Seconds = 2;

/** What is to be done next. With a thousand sources looking at all of them costs more than a request. */
export class Agenda {
  /** Sources that may be due up to `horizon`; undefined = all have to be looked at. */
  private near: Set<number> | undefined;
  /** Nobody else is due before; undefined = nobody is, ever. */
  private horizon: Mono | undefined;
  /** The first name that is to be resolved. */
  private resolveAt: Mono | undefined;

  constructor(
    private readonly live: ReadonlyMap<number, { readonly association: Association }>,
    private readonly entries: readonly { readonly resolveAt: Mono | undefined }[],
  ) {}

  /** Sources have come, gone or been told something: all are looked at again. */
  spoil(): void {
    this.near = undefined;
  }

  /** The next packet of this source may have come sooner. */
  consider(id: number, next: Mono): void {
    if (this.horizon !== undefined && next <= this.horizon) this.near?.add(id);
  }

  /** When the first packet or name is due; undefined = none ever. */
  next(): Mono | undefined {
    let next = this.nextOfNear();
    if (next === undefined && (this.near === undefined || this.horizon !== undefined)) {
      this.gather();
      next = this.nextOfNear();
    }
    return earlier(next, this.resolveAt);
  }

  /** Sources that may be due, where `next` has said that something is. */
  candidates(): number[] {
    return [...(this.near ?? [])];
  }

  /** May a name be due? */
  resolves(now: Mono): boolean {
    return this.near === undefined || (this.resolveAt !== undefined && this.resolveAt <= now);
  }

  private nextOfNear(): Mono | undefined {
    let next: Mono | undefined;
    for (const id of this.near ?? []) {
      const { association } = this.live.get(id)!;
      if (association.next > this.horizon!) this.near!.delete(id);
      else if (association.isActive()) next = earlier(next, association.next);
    }
    return next;
  }

  /** Looks at all. */
  private gather(): void {
    let first: Mono | undefined;
    for (const { association } of this.live.values()) {
      if (association.isActive()) first = earlier(first, association.next);
    }
    this.horizon = first && addMono(first, HORIZON);
    this.near = new Set();
    this.resolveAt = undefined;
    for (const entry of this.entries) this.resolveAt = earlier(this.resolveAt, entry.resolveAt);
    for (const [id, { association }] of this.live) this.consider(id, association.next);
  }
}

const earlier = (a: Mono | undefined, b: Mono | undefined): Mono | undefined =>
  a === undefined || (b !== undefined && b < a) ? b : a;
