import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { textToBytes } from '../../src/base/ascii.js';
import { Prng } from '../../src/base/prng.js';
import { add, instant } from '../../src/base/time.js';
import { SimReceiver } from '../../src/sim/receiver/receiver.js';
import { ReceiverDecoder } from '../../src/wire/receiver/decoder.js';
import { formatSentence } from '../../src/wire/receiver/nmea.js';
import type { TimeMessage } from '../../src/wire/timemessage.js';

const T0 = instant(BigInt(Date.parse('2026-06-01T12:00:00Z')) * 1_000_000n);
const LIMITS = { seed: 20260601, numRuns: 400, interruptAfterTimeLimit: 4000 };

const decode = (pieces: readonly Uint8Array[]) => {
  const d = new ReceiverDecoder({ now: T0, notBefore: T0 });
  const messages: TimeMessage[] = [];
  for (const [i, piece] of pieces.entries()) messages.push(...d.push(piece, add(T0, i * 0.07)));
  messages.push(...d.end());
  return { d, messages };
};

/** What must hold whatever came in. */
const sane = ({ d, messages }: ReturnType<typeof decode>): void => {
  for (const m of messages) {
    if (!m.valid) continue;
    assert.ok(m.utc !== undefined && m.utc >= T0, 'a valid message has a possible time');
    assert.ok(m.arrival >= m.burstStart && m.bytesToEnd > 0);
  }
  assert.ok(d.counters.sentences.size <= 129 && d.counters.rejects.size < 40);
  assert.ok(d.sky.satellites.length <= 800);
};

const burst = (seed: number): Uint8Array => {
  const sentences = ['RMC', 'GGA', 'NAV-PVT', 'GSA', 'GSV', 'ZDA', 'NAV-TIMELS', 'TIM-TP'] as const;
  const sim = new SimReceiver({ sentences, baud: 115_200 }, new Prng(seed));
  return Uint8Array.from(sim.burst({ utc: add(T0, seed % 1000) }).flatMap((c) => [...c.bytes]));
};

describe('receiver input, fuzzed', () => {
  it('random bytes', () => {
    const piece = fc.uint8Array({ maxLength: 300 });
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 20 }), (pieces) => sane(decode(pieces))),
      LIMITS,
    );
  });

  it('bytes that look like frames', () => {
    const alphabet = [...textToBytes('$GPRMC,A*0123456789.\r\n'), 0xb5, 0x62, 0xd3, 0, 1, 7, 0xff];
    const piece = fc.array(fc.constantFrom(...alphabet), { maxLength: 400 }).map((a) => Uint8Array.from(a));
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 20 }), (pieces) => sane(decode(pieces))),
      LIMITS,
    );
  });

  it('whole bursts with bytes changed: what is served is a second that was sent', () => {
    const edit = fc.record({ at: fc.nat(), to: fc.nat(255) });
    const input = fc.tuple(fc.nat(999), fc.array(edit, { maxLength: 12 }), fc.integer({ min: 1, max: 200 }));
    fc.assert(
      fc.property(input, ([seed, edits, cut]) => {
        const bytes = burst(seed);
        for (const { at, to } of edits) bytes[at % bytes.length] = to;
        const pieces = [];
        for (let i = 0; i < bytes.length; i += cut) pieces.push(bytes.subarray(i, i + cut));
        const result = decode(pieces);
        sane(result);
        // One bit in an 8-bit XOR or a 16-bit Fletcher may slip through by two changes that agree; one change never.
        if (edits.length === 1) assert.ok(result.messages.every((m) => !m.valid || m.utc === add(T0, seed % 1000)));
      }),
      LIMITS,
    );
  });

  it('right checksums around any fields: no throw, no impossible time', () => {
    const field = fc.oneof(
      fc.constantFrom('', 'A', 'V', '235960.00', '120000.00', '310626', '290227', '2208-1', '2026', '1', '12'),
      fc.stringMatching(/^[ -#%-),-~]{0,8}$/),
    );
    const type = fc.constantFrom(
      'RMC',
      'ZDA',
      'GGA',
      'GLL',
      'GNS',
      'GSV',
      'GSA',
      'toString',
      'constructor',
      'UBX',
      '__proto__',
    );
    const sentence = fc
      .tuple(fc.constantFrom('GP', 'GN', 'P', 'PQ'), type, fc.array(field, { maxLength: 20 }))
      .map(([talker, t, fields]) => textToBytes(formatSentence(`${talker}${t},${fields.join(',')}`)));
    fc.assert(
      fc.property(fc.array(sentence, { maxLength: 12 }), (pieces) => sane(decode(pieces))),
      LIMITS,
    );
  });

  it('a bad checksum makes no message at all', () => {
    const flip = fc.tuple(fc.nat(999), fc.nat(), fc.integer({ min: 1, max: 127 }));
    fc.assert(
      fc.property(flip, ([seed, at, mask]) => {
        const line = textToBytes(
          formatSentence(`GPRMC,1200${String(seed % 60).padStart(2, '0')}.00,A,,,,,,,010626,,,A`),
        );
        // Between `$` and the line end: whatever is changed there, the checksum is wrong or the frame is none.
        line[1 + (at % (line.length - 3))]! ^= mask;
        const changedToHexCase =
          /^\$.*\*[0-9a-fA-F]{2}\r\n$/.test(Buffer.from(line).toString('latin1')) && mask === 0x20;
        if (!changedToHexCase) assert.deepEqual(decode([line]).messages, []);
      }),
      LIMITS,
    );
  });
});
