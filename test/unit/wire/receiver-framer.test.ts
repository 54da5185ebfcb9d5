import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { textToBytes } from '../../../src/base/ascii.js';
import { type Instant, instant } from '../../../src/base/time.js';
import { crc24q, fletcher8, nmeaChecksum } from '../../../src/wire/receiver/checksum.js';
import { type Frame, type FrameReject, Framer, MAX_UBX_PAYLOAD } from '../../../src/wire/receiver/framer.js';
import { formatSentence } from '../../../src/wire/receiver/nmea.js';
import { formatUbx } from '../../../src/wire/receiver/ubx.js';

const join = (...parts: (Uint8Array | string)[]): Uint8Array =>
  Uint8Array.from(parts.flatMap((p) => [...(typeof p === 'string' ? textToBytes(p) : p)]));

const rtcm = (type: number, size: number): Uint8Array => {
  const frame = new Uint8Array(size + 6);
  frame.set([0xd3, size >> 8, size & 0xff, type >> 4, (type & 15) << 4]);
  const crc = crc24q(frame, 0, size + 3);
  frame.set([crc >> 16, (crc >> 8) & 0xff, crc & 0xff], size + 3);
  return frame;
};

const collect = () => {
  const frames: Frame[] = [];
  const rejects: FrameReject[] = [];
  const framer = new Framer({ onFrame: (f) => frames.push(f), onReject: (r) => rejects.push(r) });
  return { frames, rejects, framer };
};

const at = (n: number): Instant => instant(BigInt(n));
const short = (f: Frame): string =>
  f.kind === 'nmea'
    ? f.text
    : f.kind === 'ubx'
      ? `ubx ${f.classId}-${f.messageId} ${f.payload.length}`
      : `rtcm ${f.messageType}`;

const RMC = formatSentence('GPRMC,000001.00,A,,,,,,,010126,,,A');
const LINE = RMC.trimEnd();
const FRAME = formatUbx(
  1,
  0x35,
  Uint8Array.from({ length: 40 }, (_, i) => (i === 7 ? 0x24 : i === 8 ? 0x0d : i)),
);

describe('checksums', () => {
  it('NMEA: XOR of a published sentence', () => {
    assert.equal(nmeaChecksum('GPGGA,092750.000,5321.6802,N,00630.3372,W,1,8,1.03,61.7,M,55.2,M,,'), 0x76);
  });
  it('UBX: Fletcher of a CFG-MSG poll written in the manual as B5 62 06 01 02 00 01 02 0C 35', () => {
    assert.equal(fletcher8(Uint8Array.from([6, 1, 2, 0, 1, 2]), 0, 6), 0x350c);
  });
  it('RTCM: CRC-24Q of the RTCM 10403 example message 1005', () => {
    const hex = 'd300133ed7d30202980edeef34b4bd62ac0941986f33360b98';
    const bytes = Uint8Array.from(hex.match(/../g)!.map((h) => Number.parseInt(h, 16)));
    assert.equal(crc24q(bytes, 0, bytes.length - 3), 0x360b98);
  });
});

describe('byte framer', () => {
  it('separates sentences, UBX and RTCM, whatever the cut', () => {
    const stream = join(FRAME, RMC, rtcm(1005, 19), FRAME, RMC, 'noise', RMC);
    for (const cut of [1, 2, 3, 7, 64, stream.length]) {
      const { frames, rejects, framer } = collect();
      for (let i = 0; i < stream.length; i += cut) framer.push(stream.subarray(i, i + cut), at(i));
      const expected = ['ubx 1-53 40', LINE, 'rtcm 1005', 'ubx 1-53 40', LINE, LINE];
      assert.deepEqual(frames.map(short), expected, `cut ${cut}`);
      assert.deepEqual(rejects, ['garbage']);
    }
  });

  it('gives positions in bytes and the arrival of the chunks they came in', () => {
    const { frames, framer } = collect();
    framer.push(join('xx', LINE.slice(0, 10)), at(100));
    framer.push(join(LINE.slice(10), '\r\n'), at(200));
    assert.deepEqual(frames[0]!.start, { position: 2, arrival: at(100) });
    assert.deepEqual(frames[0]!.end, { position: 2 + LINE.length + 1, arrival: at(200) });
  });

  it('accepts LF, CR and CR LF, and a doubled $', () => {
    const { frames, rejects, framer } = collect();
    framer.push(join(`${LINE}\n${LINE}\r${LINE}\r\n$${LINE}\n`), at(0));
    assert.equal(frames.length, 4);
    assert.deepEqual(rejects, []);
  });

  it('drops a sentence that another one interrupts, and keeps the other', () => {
    const { frames, rejects, framer } = collect();
    framer.push(join(LINE.slice(0, 20), RMC), at(0));
    assert.deepEqual([frames.map(short), rejects], [[LINE], ['nmea-glued']]);
  });

  it('refuses 8-bit and control characters in text, and finds the frame that broke in', () => {
    const { frames, rejects, framer } = collect();
    framer.push(join(LINE.slice(0, 20), FRAME, RMC, '$GP\x01RMC\r\n', RMC), at(0));
    assert.deepEqual(frames.map(short), ['ubx 1-53 40', LINE, LINE]);
    assert.deepEqual(rejects, ['nmea-binary', 'nmea-binary']);
  });

  it('finds what a false preamble had swallowed', () => {
    const broken = FRAME.slice();
    broken[20]! ^= 1;
    const { frames, rejects, framer } = collect();
    // The false header claims 40 bytes, in which a whole sentence lies.
    const swallow = join(Uint8Array.from([0xb5, 0x62, 1, 1, 40, 0]), RMC.slice(0, 42));
    framer.push(join(broken, RMC, swallow, RMC, RMC), at(0));
    assert.ok(rejects.includes('ubx-checksum'));
    assert.ok(frames.filter((f) => f.kind === 'nmea').length >= 3);
  });

  it('refuses a length that no receiver sends', () => {
    const { rejects, framer } = collect();
    const size = MAX_UBX_PAYLOAD + 1;
    framer.push(Uint8Array.from([0xb5, 0x62, 1, 1, size & 0xff, size >> 8]), at(0));
    assert.deepEqual(rejects, ['ubx-length']);
  });

  it('gives up an open binary frame when the line was silent, and keeps text', () => {
    const { frames, rejects, framer } = collect();
    framer.push(join(Uint8Array.from([0xd3, 0x03, 0xff]), RMC, LINE.slice(0, 9)), at(0));
    framer.silence();
    framer.push(join(LINE.slice(9), '\n'), at(5));
    assert.deepEqual(frames.map(short), [LINE, LINE]);
    assert.deepEqual(rejects, ['cut']);
  });

  it('survives a megabyte without a line end, in time proportional to it', () => {
    const million = 1_000_000;
    const inputs: [string, Uint8Array][] = [
      ['zeros', new Uint8Array(million)],
      ['dollars', new Uint8Array(million).fill(0x24)],
      ['letters after a dollar', join('$', 'A'.repeat(million))],
      ['false UBX headers', Uint8Array.from({ length: million }, (_, i) => [0xb5, 0x62, 1, 1, 0xff, 0x0f][i % 6]!)],
      ['false RTCM headers', Uint8Array.from({ length: million }, (_, i) => [0xd3, 0x03][i % 2]!)],
    ];
    for (const [name, bytes] of inputs) {
      const { frames, framer } = collect();
      for (let i = 0; i < million; i += 1000) framer.push(bytes.subarray(i, i + 1000), at(i));
      framer.end();
      assert.equal(frames.length, 0, name);
      assert.equal(framer.total, bytes.length - (bytes.length - million), name);
    }
  });
});
