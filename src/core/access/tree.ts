import { CodedError } from '../../base/errors.js';

export type Family = 4 | 6;

/** One allow or deny as a user gives it, in the configuration or live. */
export interface AccessRule {
  readonly allow: boolean;
  /** `all`: also forget every more specific rule inside the subnet. */
  readonly all: boolean;
  /** Undefined: both families whole. */
  readonly subnet: Subnet | undefined;
}

export interface Subnet {
  readonly family: Family;
  /** 4 or 16 bytes in network order. */
  readonly address: Uint8Array;
  /** Prefix length, 0…32 or 0…128. */
  readonly bits: number;
}

const INHERIT = 0;
const ALLOW = 1;
const DENY = 2;
/** Children of a node: one nibble of the address a level, so an IPv4 host is at most 8 steps away. */
const FANOUT = 16;
/** 64 B of links and 16 B of states a node: 80 MB at the bound, more than any list of networks needs. */
const MAX_NODES = 1 << 20;

/**
 * Who may ask: a tree over the nibbles of addresses in two flat arrays. The most specific rule that covers an address
 * decides, whatever the order they came in; nothing is allowed by default. A rule whose length is no multiple of four
 * fills several entries of a node; the length is kept with each entry, so that a later but less specific rule does
 * not overwrite them (chrony's tree loses them in that case).
 */
export class AccessTree {
  /** Node n, nibble i: link at n·16+i, 0 = none. Nodes 0 and 1 are the roots of IPv4 and IPv6. */
  private links = new Uint32Array(4 * FANOUT);
  /** State in the two low bits, prefix bits inside the nibble (1…4) above them. */
  private states = new Uint8Array(4 * FANOUT);
  private nodes = 2;
  private free: number[] = [];
  private readonly roots = new Uint8Array(2);

  /** Applies a rule. Throws ERR_TB_USAGE for a prefix that does not fit its family or a tree that is full. */
  apply(rule: AccessRule): void {
    const state = rule.allow ? ALLOW : DENY;
    if (rule.subnet === undefined) {
      this.setRoot(0, state, rule.all);
      this.setRoot(1, state, rule.all);
      return;
    }
    const { family, address, bits } = rule.subnet;
    const size = family === 4 ? 4 : 16;
    if (address.length !== size || !Number.isInteger(bits) || bits < 0 || bits > size * 8) {
      throw new CodedError('ERR_TB_USAGE', `bad subnet: ${address.length} bytes, /${bits}`);
    }
    if (bits === 0) this.setRoot(family === 4 ? 0 : 1, state, rule.all);
    else this.setSubnet(family === 4 ? 0 : 1, address, bits, state, rule.all);
  }

  /** Words of the address in network order; IPv4 uses the first only. Allocates nothing. */
  isAllowed(family: number, w0: number, w1: number, w2: number, w3: number): boolean {
    let node = family === 4 ? 0 : 1;
    let state = this.roots[node]!;
    const depth = family === 4 ? 8 : 32;
    for (let level = 0; level < depth; level++) {
      const word = level < 8 ? w0 : level < 16 ? w1 : level < 24 ? w2 : w3;
      const entry = node * FANOUT + ((word >>> (28 - 4 * (level & 7))) & 15);
      const own = this.states[entry]! & 3;
      if (own !== INHERIT) state = own;
      node = this.links[entry]!;
      if (node === 0) break;
    }
    return state === ALLOW;
  }

  /** The same for an address as bytes: reports and the command protocol. */
  isAllowedAddress(family: Family, address: Uint8Array): boolean {
    const view = new DataView(address.buffer, address.byteOffset, address.byteLength);
    const word = (i: number): number => (family === 6 || i === 0 ? view.getUint32(4 * i) : 0);
    return this.isAllowed(family, word(0), word(1), word(2), word(3));
  }

  /** Can anybody at all be allowed? While nobody is, no server socket needs to be open. */
  anyAllowed(family: Family): boolean {
    const root = family === 4 ? 0 : 1;
    return this.roots[root] === ALLOW || this.holdsAllow(root);
  }

  private holdsAllow(node: number): boolean {
    for (let i = 0; i < FANOUT; i++) {
      if ((this.states[node * FANOUT + i]! & 3) === ALLOW) return true;
      const child = this.links[node * FANOUT + i]!;
      if (child !== 0 && this.holdsAllow(child)) return true;
    }
    return false;
  }

  private setRoot(root: number, state: number, all: boolean): void {
    this.roots[root] = state;
    if (!all) return;
    for (let i = 0; i < FANOUT; i++) this.clear(root * FANOUT + i);
  }

  private setSubnet(root: number, address: Uint8Array, bits: number, state: number, all: boolean): void {
    const nibble = (level: number): number => (address[level >> 1]! >> (level & 1 ? 0 : 4)) & 15;
    let node = root;
    let level = 0;
    for (; bits - 4 * level > 4; level++) node = this.descend(node * FANOUT + nibble(level));
    const inside = bits - 4 * level;
    const span = 1 << (4 - inside);
    const first = node * FANOUT + (nibble(level) & ~(span - 1));
    for (let entry = first; entry < first + span; entry++) {
      if (all) this.clear(entry);
      if (inside >= this.states[entry]! >> 2) this.states[entry] = (inside << 2) | state;
    }
  }

  private descend(entry: number): number {
    const child = this.links[entry]!;
    if (child !== 0) return child;
    const fresh = this.free.pop() ?? this.grow();
    this.links[entry] = fresh;
    return fresh;
  }

  private grow(): number {
    if (this.nodes >= MAX_NODES) throw new CodedError('ERR_TB_USAGE', `more than ${MAX_NODES} nodes of access rules`);
    if (this.nodes * FANOUT === this.links.length) {
      const links = new Uint32Array(this.links.length * 2);
      const states = new Uint8Array(links.length);
      links.set(this.links);
      states.set(this.states);
      this.links = links;
      this.states = states;
    }
    return this.nodes++;
  }

  /** Forgets the rule of an entry and every rule below it. */
  private clear(entry: number): void {
    this.states[entry] = INHERIT;
    const child = this.links[entry]!;
    if (child === 0) return;
    this.links[entry] = 0;
    for (let i = 0; i < FANOUT; i++) this.clear(child * FANOUT + i);
    this.free.push(child);
  }
}
