import { type MacType, macBytes } from '../../wire/ntp/keyfile.js';

/** What the responder knows of a key; the secret itself stays with native. */
export interface KeyFacts {
  readonly id: number;
  readonly type: MacType;
}

export const NO_KEY = -1;

/** Keys by id. Their places in the list are the slots under which the transport knows them. */
export class KeyTable {
  private readonly slots = new Map<number, number>();
  private readonly types: readonly MacType[];

  constructor(keys: readonly KeyFacts[]) {
    this.types = keys.map((k) => k.type);
    for (const [slot, key] of keys.entries()) if (!this.slots.has(key.id)) this.slots.set(key.id, slot);
  }

  /** Slot of the key with an id if its MAC has `bytes` in packets of `version`, else NO_KEY. */
  find(id: number, version: number, bytes: number): number {
    const slot = this.slots.get(id);
    return slot !== undefined && macBytes(this.types[slot]!, version) === bytes ? slot : NO_KEY;
  }

  /** Slot of the key with an id, NO_KEY when there is none. */
  slotOf(id: number): number {
    return this.slots.get(id) ?? NO_KEY;
  }

  /** Bytes of the MAC of the key in a slot, in packets of `version`. */
  macBytes(slot: number, version: number): number {
    return macBytes(this.types[slot]!, version);
  }
}
