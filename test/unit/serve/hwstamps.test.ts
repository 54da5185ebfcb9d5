import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { instant } from '../../../src/base/time.js';
import { HW_TABLE_BYTES, HwTableWriter } from '../../../src/core/hwclock/table.js';
import { COUNTER, COUNTER_BYTES, newCounters } from '../../../src/core/ntp/counters.js';
import { META, SLAB_SLOTS, SLOT_BYTES, STAMP_FOLLOWED, TXSTAMP, TXSTAMP_WORDS } from '../../../src/ports/transport.js';
import { HardwareStamps } from '../../../src/serve/hwstamps.js';

const NS = 1_000_000_000n;
const KERNEL = 1;
const HARDWARE = 2;

const bench = () => {
  const slab = new ArrayBuffer(SLAB_SLOTS * SLOT_BYTES);
  const table = new SharedArrayBuffer(HW_TABLE_BYTES);
  const writer = new HwTableWriter(table);
  const mapping = { phc: 500n * NS, local: instant(1_800_000_000n * NS), rate: 0, error: 0 };
  writer.write([{ ifindex: 3, transmits: true, mapping, horizon: 8, rxComp: 0, txComp: 0, speedMbps: 1000 }]);
  const counters = newCounters(new SharedArrayBuffer(COUNTER_BYTES));
  const words = new Uint32Array(slab);
  /** A packet that the kernel stamped 1 us after the start of the second, and the card `ns` from its start. */
  const arrive = (ifindex: number, ns: number, kernelNs = 1000): Uint32Array => {
    words.fill(0);
    words[META.RX_SEC_LO] = 1_800_000_000;
    words[META.RX_NSEC] = kernelNs;
    words[META.RX_KIND] = KERNEL;
    words[META.RX_LENGTH] = 48;
    words[META.FAMILY] = 4;
    words[META.HW_IFINDEX] = ifindex;
    words[META.HW_SEC_LO] = ns < 0 ? 499 : 500;
    words[META.HW_NSEC] = ns < 0 ? 1e9 + ns : ns;
    words[META.HW_LENGTH] = 90;
    return words;
  };
  return { stamps: new HardwareStamps(slab, table, counters), arrive, counters, writer };
};

const record = (id: number, kind: number, ifindex: number, sec: number, nsec: number): number[] => {
  const out = new Array<number>(TXSTAMP_WORDS).fill(0);
  out[TXSTAMP.ID] = id;
  out[TXSTAMP.KIND] = kind;
  out[TXSTAMP.IFINDEX] = ifindex;
  out[TXSTAMP.SEC_LO] = sec;
  out[TXSTAMP.NSEC] = nsec;
  return out;
};

describe('stamps of network cards on the packet plane', () => {
  it("a receive stamp of the card takes the kernel's place", () => {
    const { stamps, arrive, counters, writer } = bench();
    const words = arrive(3, 100);
    stamps.receive(1);
    assert.deepEqual([words[META.RX_KIND], words[META.RX_SEC_LO], words[META.RX_NSEC]], [HARDWARE, 1_800_000_000, 852]);
    assert.equal(counters[COUNTER.hardwareUnused], 0);
    assert.equal(writer.used, 1);
  });

  it("where they contradict each other, or nothing is known of the card, the kernel's stays and it is counted", () => {
    for (const [ifindex, ns, kernelNs] of [
      [3, 100_000, 1000], // the card's is later than the kernel's by more than a mapping errs
      [3, -200_000_000, 1000], // and too early
      [4, 100, 1000],
    ] as const) {
      const { stamps, arrive, counters, writer } = bench();
      const words = arrive(ifindex, ns, kernelNs);
      stamps.receive(1);
      assert.deepEqual([words[META.RX_KIND], words[META.RX_NSEC]], [KERNEL, 1000]);
      assert.equal(counters[COUNTER.hardwareUnused], 1);
      assert.equal(writer.used, 0);
    }
  });

  it('a packet that no card stamped is not touched, nor counted', () => {
    const { stamps, arrive, counters } = bench();
    const words = arrive(0, 0);
    stamps.receive(1);
    assert.equal(words[META.RX_KIND], KERNEL);
    assert.equal(counters[COUNTER.hardwareUnused], 0);
  });

  it("transmit stamps: the card's are translated, the kernel's marked when the card's will follow", () => {
    const { stamps, counters } = bench();
    const words = new Uint32Array(
      [
        record(1, KERNEL, 3, 1_800_000_000, 5),
        record(2, KERNEL, 1, 1_800_000_000, 6),
        record(3, HARDWARE, 9, 500, 7), // nothing is known of this card
        record(1, HARDWARE, 3, 501, 8),
      ].flat(),
    );
    assert.equal(stamps.transmit(words, 4), 3);
    const at = (i: number): (number | undefined)[] =>
      [TXSTAMP.ID, TXSTAMP.KIND, TXSTAMP.SEC_LO, TXSTAMP.NSEC].map((w) => words[i * TXSTAMP_WORDS + w]);
    assert.deepEqual(at(0), [1, KERNEL | STAMP_FOLLOWED, 1_800_000_000, 5]);
    assert.deepEqual(at(1), [2, KERNEL, 1_800_000_000, 6]);
    assert.deepEqual(at(2), [1, HARDWARE, 1_800_000_001, 8]);
    assert.equal(counters[COUNTER.hardwareUnused], 1);
  });
});
