/** Messages byte for byte as they stand on the wire. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { fromHex } from '../../src/base/ascii.js';
import { correctionOf, FRAMING, type Framing, framingOf, putFraming } from '../../src/wire/ptp/framing.js';

const NTP = `23000620${'00'.repeat(36)}123456789abcdef0`;
/** IEEE 1588: Delay_Req, version 2, length, domain 123, unicast, no correction, sequence 258, no origin timestamp. */
const header = (length: string): string =>
  `0102${length}7b000400${'00'.repeat(8)}${'00'.repeat(4)}${'00'.repeat(10)}01020000${'00'.repeat(10)}`;
const VECTORS: readonly (readonly [string, Framing, string])[] = [
  ['chrony up to 4.8', FRAMING.EXPERIMENTAL, `${header('0060')}20230030`],
  ['chrony from 4.9 on', FRAMING.ORGANISATION, `${header('0068')}0003003800005e0000010000`],
];

const view = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
const message = (prefix: string): Uint8Array => fromHex(prefix + NTP)!;
const framing = (bytes: Uint8Array, domain = 123): Framing => framingOf(view(bytes), 0, bytes.length, domain);

describe('NTP in PTP messages', () => {
  for (const [name, form, prefix] of VECTORS) {
    it(`${name}: is read and written, byte for byte`, () => {
      assert.equal(prefix.length, form * 2);
      assert.equal(framing(message(prefix)), form);
      const out = new Uint8Array(form).fill(0xff);
      putFraming(view(out), 0, form, 48, 123, 0x10102);
      assert.equal(Buffer.from(out).toString('hex'), prefix);
    });

    it(`${name}: any other bit in what says what it is makes it something else`, () => {
      const good = message(prefix);
      // Correction, reserved bytes, source port, sequence, origin timestamp and padding say nothing.
      const free = (at: number): boolean => (at >= 8 && at < 44) || at === 5 || at >= 54;
      for (let at = 0; at < form; at++) {
        for (let bit = 0; bit < 8; bit++) {
          const bytes = good.map((b, i) => (i === at ? b ^ (1 << bit) : b));
          const allowed = free(at) || (at === 0 && bit === 0) || (at === 1 && bit === 4);
          assert.equal(framing(bytes), allowed ? form : FRAMING.NONE, `bit ${bit} of byte ${at}`);
        }
      }
    });

    it(`${name}: cut anywhere it is nothing`, () => {
      const good = message(prefix);
      for (let n = 0; n < good.length; n++) assert.equal(framing(good.slice(0, n)), FRAMING.NONE);
      assert.equal(framing(good, 122), FRAMING.NONE);
    });
  }

  it('the organisation extension that is not forwarded is the same', () => {
    assert.equal(framing(message(`${header('0068')}8000003800005e0000010000`)), FRAMING.ORGANISATION);
  });

  it('PTP 2.1 is heard while its minor SDO id is 0', () => {
    const bytes = message(VECTORS[0]![2]);
    bytes[1] = 0x12;
    assert.equal(framing(bytes), FRAMING.EXPERIMENTAL);
    bytes[5] = 1;
    assert.equal(framing(bytes), FRAMING.NONE);
  });

  it('corrections are signed, in 2^-16 ns', () => {
    const bytes = message(VECTORS[0]![2]);
    const at = view(bytes);
    at.setBigInt64(8, 12_345n * 65_536n);
    assert.equal(correctionOf(at, 0), 12_345e-9);
    at.setBigInt64(8, -32_768n);
    assert.equal(correctionOf(at, 0), -0.5e-9);
  });
});
