import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { KeyStream } from '../../src/base/keystream.js';
import { toNtp64 } from '../../src/base/ntp64.js';
import { refidFromText } from '../../src/base/refid.js';
import { add, addMono, fromUnix, mono } from '../../src/base/time.js';
import { SOURCE_DEFAULTS } from '../../src/conf/defaults.js';
import { PeerAssociation } from '../../src/core/ntp/client/peerassociation.js';
import { NO_SERVER, type ServerState } from '../../src/core/ntp/state.js';
import { parsePacket, sameStamp } from '../../src/wire/ntp/packet.js';
import { field, request } from '../support/packets.js';

const RUNS = Number(process.env['TIMEBALL_FUZZ_RUNS'] ?? 400);
const START = fromUnix(1_767_225_600);
const BOOT = mono(1_000_000_000_000n);
const STATE: ServerState = { ...NO_SERVER, leap: 0, stratum: 2, refId: refidFromText('X'), referenceTime: START };
const KNOWN = { samples: 0, stdDev: 4, drift: () => 0, offset: () => 0 };

const words = fc.record({ hi: fc.integer({ min: 0, max: 0xffffffff }), lo: fc.integer({ min: 0, max: 0xffffffff }) });
const forged = fc.oneof(
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 120 }) },
  {
    weight: 5,
    arbitrary: fc
      .record({
        version: fc.integer({ min: 0, max: 7 }),
        mode: fc.constantFrom(1, 1, 2, 4, 5),
        poll: fc.integer({ min: -128, max: 127 }),
        origin: words,
        receive: words,
        transmit: words,
        tail: fc.option(fc.constantFrom(field(0xf323, 28), field(0x104, 36), new Uint8Array(20), new Uint8Array(4))),
      })
      .map(({ tail, ...f }) => request({ ...f, ...(tail === null ? {} : { tail }) })),
  },
);

/** One association and an honest peer that answers every other packet of ours; between them anything comes. */
const run = (key: number, xleave: boolean, junk: readonly (readonly Uint8Array[])[]) => {
  const options = { ...SOURCE_DEFAULTS, kind: 'peer' as const, name: '192.0.2.9', minpoll: 0, maxpoll: 0, key, xleave };
  const association = new PeerAssociation(options, '192.0.2.9', new KeyStream([1]), BOOT);
  let samples = 0;
  let t = 0;
  const at = () => ({
    mono: addMono(BOOT, t),
    cook: <T>(raw: T): T => raw,
    precision: 1e-7,
    skew: 1e-6,
    server: () => STATE,
  });
  const hear = (bytes: Uint8Array, authentic: boolean) =>
    association.received(bytes, add(START, t), 'kernel', authentic, '192.0.2.1', KNOWN, at());
  for (const batch of junk) {
    t = Math.max(t, Number(association.next - BOOT) / 1e9);
    const { outgoing } = association.due(at(), add(START, t));
    const sent = parsePacket(outgoing.bytes)!;
    const transmit = outgoing.stamp ? toNtp64(add(START, t)) : sent.transmit;
    association.sent(outgoing.serial, add(START, t), 'kernel', at(), transmit);
    for (const bytes of batch) {
      t += 1e-4;
      const r = hear(bytes, false);
      assert.equal(r.sample, undefined, 'a guess was believed');
      assert.equal(r.synced, undefined);
      assert.equal(r.kiss, undefined);
    }
    t += 1e-3;
    const answer = request({
      mode: 1,
      origin: transmit,
      receive: toNtp64(add(START, t)),
      transmit: toNtp64(add(START, t)),
    });
    answer[1] = 1;
    const r = hear(answer, key !== 0);
    if (r.sample !== undefined) samples++;
    // What we send next answers the honest packet, whatever else came.
    const next = parsePacket(answer)!;
    assert.ok(r.synced && sameStamp(next.origin, transmit));
    assert.ok(association.isActive() && association.polls.poll === 0);
  }
  return samples;
};

describe('fuzz: symmetric mode', () => {
  it('nothing that does not repeat our stamp is believed, and the honest peer always is', () => {
    let least = Number.POSITIVE_INFINITY;
    fc.assert(
      fc.property(
        fc.constantFrom(0, 7),
        fc.boolean(),
        fc.array(fc.array(forged, { maxLength: 6 }), { minLength: 4, maxLength: 8 }),
        (key, xleave, junk) => {
          least = Math.min(least, run(key, xleave, junk) / junk.length);
        },
      ),
      { numRuns: RUNS, seed: 20_261_121 },
    );
    assert.ok(least > 0.4, `${least}`);
  });
});
