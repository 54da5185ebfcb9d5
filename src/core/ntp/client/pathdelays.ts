import type { Seconds, StampKind } from '../../../base/units.js';
import { DelayModel } from './delay.js';

/**
 * Round trips by who stamped them: a card's stamps leave out what the kernel's contain, and the server's own stamp in a basic
 * reply is read before it leaves: microseconds of the same path. Measured against the shortest of another kind every
 * exchange would seem to have waited, and the least asymmetry that is learned would make a constant error of that.
 */
export class PathDelays {
  private readonly kinds = new Map<string, DelayModel>();
  private current: DelayModel;

  /** As for DelayModel. */
  constructor(
    private readonly asymmetry: number,
    private readonly mindelay: Seconds,
  ) {
    this.current = this.made();
  }

  /**
   * The model of exchanges whose request and reply were stamped so; it is the one that is asked from now on.
   *
   * @param departed the server's stamp is of the departure itself.
   */
  select(sent: StampKind, received: StampKind, departed: boolean): DelayModel {
    const key = `${sent} ${received} ${departed}`;
    let model = this.kinds.get(key);
    if (model === undefined) {
      // The first kind takes what there was before any.
      model = this.kinds.size === 0 ? this.current : this.made();
      this.kinds.set(key, model);
    }
    this.current = model;
    return model;
  }

  get minimum(): Seconds | undefined {
    return this.current.minimum;
  }

  get jitterAsymmetry(): number {
    return this.current.jitterAsymmetry;
  }

  /** As DelayModel.restart, of all kinds. */
  restart(all: boolean): void {
    for (const model of this.all()) model.restart(all);
  }

  /** As DelayModel.shift, of all kinds. */
  shift(offset: Seconds): void {
    for (const model of this.all()) model.shift(offset);
  }

  private all(): Set<DelayModel> {
    return new Set([this.current, ...this.kinds.values()]);
  }

  private made(): DelayModel {
    return new DelayModel(this.asymmetry, this.mindelay);
  }
}
