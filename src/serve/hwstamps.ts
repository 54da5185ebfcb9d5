import { HwTableReader } from '../core/hwclock/table.js';
import { COUNTER } from '../core/ntp/counters.js';
import { META, type PacketTransport, SLOT_BYTES, STAMP_FOLLOWED, TXSTAMP, TXSTAMP_WORDS } from '../ports/transport.js';

const SLOT_WORDS = SLOT_BYTES / 4;
const KERNEL = 1;
const HARDWARE = 2;
/**
 * ns by which the kernel's receive stamp may be later than the card's (interrupts are held back and coalesced; a busy core), and
 * earlier (an error of the mapping): more, and one of the two is wrong; it is not the kernel's.
 */
const MAX_LATE = 100e6;
const MAX_EARLY = 20e3;

/**
 * A transport whose network cards stamp: their stamps, translated, stand in the place of the kernel's before anybody looks
 * at them.
 */
export class HardwareTransport implements PacketTransport {
  readonly slab: ArrayBuffer;
  readonly txStamps: ArrayBuffer;
  private readonly stamps: HardwareStamps;
  private readonly records: Uint32Array;

  /** `table`: see HwTableWriter. */
  constructor(
    private readonly inner: PacketTransport,
    table: SharedArrayBuffer,
    counters: Float64Array,
  ) {
    this.slab = inner.slab;
    this.txStamps = inner.txStamps;
    this.records = new Uint32Array(inner.txStamps);
    this.stamps = new HardwareStamps(inner.slab, table, counters);
  }

  receive(timeoutMs: number): number {
    const n = this.inner.receive(timeoutMs);
    this.stamps.receive(n);
    return n;
  }

  send(count: number): number {
    return this.inner.send(count);
  }

  drainTxStamps(): number {
    return this.stamps.transmit(this.records, this.inner.drainTxStamps());
  }
}

/** The same for a slab and for transmit stamps that somebody else has received. */
export class HardwareStamps {
  private readonly words: Uint32Array;
  private readonly table: HwTableReader;

  constructor(
    slab: ArrayBuffer,
    buffer: SharedArrayBuffer,
    private readonly counters: Float64Array,
  ) {
    this.words = new Uint32Array(slab);
    this.table = new HwTableReader(buffer);
  }

  /** Packets in slots 0…n−1 have come in. */
  receive(n: number): void {
    this.table.refresh();
    for (let m = 0; m < n * SLOT_WORDS; m += SLOT_WORDS) {
      if (this.words[m + META.HW_IFINDEX] === 0) continue;
      if (this.improve(m)) this.table.countUsed();
      else this.counters[COUNTER.hardwareUnused]!++;
    }
  }

  /**
   * Transmit stamps have come; returns how many of them are worth telling. A card's stamp that cannot be translated is none:
   * the kernel's has been told. The kernel's own are marked where the card's is still to come.
   */
  transmit(stamps: Uint32Array, n: number): number {
    if (n === 0) return 0;
    this.table.refresh();
    let kept = 0;
    for (let i = 0; i < n; i++) {
      const at = i * TXSTAMP_WORDS;
      if (!this.translate(stamps, at)) continue;
      if (kept !== i) stamps.copyWithin(kept * TXSTAMP_WORDS, at, at + TXSTAMP_WORDS);
      kept++;
    }
    return kept;
  }

  private improve(m: number): boolean {
    const { words, table } = this;
    const known = table.receive(
      words[m + META.HW_IFINDEX]!,
      words[m + META.HW_SEC_LO]!,
      words[m + META.HW_NSEC]!,
      words[m + META.HW_LENGTH]!,
      words[m + META.RX_LENGTH]!,
      words[m + META.FAMILY]!,
    );
    if (!known) return false;
    const late = ((words[m + META.RX_SEC_LO]! - table.sec) | 0) * 1e9 + words[m + META.RX_NSEC]! - table.nsec;
    if (!(late >= -MAX_EARLY && late <= MAX_LATE)) return false;
    words[m + META.RX_SEC_LO] = table.sec;
    words[m + META.RX_NSEC] = table.nsec;
    words[m + META.RX_KIND] = HARDWARE;
    return true;
  }

  /** False: it is not to be told. */
  private translate(stamps: Uint32Array, at: number): boolean {
    const { table } = this;
    const ifindex = stamps[at + TXSTAMP.IFINDEX]!;
    if (stamps[at + TXSTAMP.KIND] === KERNEL) {
      if (table.transmits(ifindex)) stamps[at + TXSTAMP.KIND] = KERNEL | STAMP_FOLLOWED;
      return true;
    }
    if (!table.transmit(ifindex, stamps[at + TXSTAMP.SEC_LO]!, stamps[at + TXSTAMP.NSEC]!)) {
      this.counters[COUNTER.hardwareUnused]!++;
      return false;
    }
    table.countUsed();
    stamps[at + TXSTAMP.SEC_LO] = table.sec;
    stamps[at + TXSTAMP.SEC_HI] = 0;
    stamps[at + TXSTAMP.NSEC] = table.nsec;
    return true;
  }
}
