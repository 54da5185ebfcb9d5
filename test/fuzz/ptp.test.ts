import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { FRAMING, type Framing, framingOf, putFraming } from '../../src/wire/ptp/framing.js';

const RUNS = Number(process.env['TIMEBALL_FUZZ_RUNS'] ?? 4000);

describe('fuzz: NTP in PTP messages', () => {
  it('what is taken for NTP is whole, whatever comes; what was written is read', () => {
    let taken = 0;
    const bytes = fc.uint8Array({ minLength: 40, maxLength: 120, size: 'max' });
    const changes = fc.array(fc.record({ at: fc.nat(200), value: fc.nat(255) }), { maxLength: 2 });
    const forms = fc.constantFrom<Framing>(FRAMING.NONE, FRAMING.EXPERIMENTAL, FRAMING.ORGANISATION);
    fc.assert(
      fc.property(bytes, forms, fc.nat(255), changes, (body, form, domain, wrong) => {
        const message = new Uint8Array(form + body.length);
        const view = new DataView(message.buffer);
        putFraming(view, 0, form, body.length, domain, 9);
        message.set(body, form);
        for (const { at, value } of wrong) if (at < message.length) message[at] = value;
        const found = framingOf(view, 0, message.length, domain);
        if (found === FRAMING.NONE) {
          assert.ok(wrong.length > 0 || form === FRAMING.NONE || body.length < 48);
          return;
        }
        taken++;
        assert.ok(message.length - found >= 48, 'holds a whole header');
        assert.equal(view.getUint16(2), message.length);
        assert.equal(view.getUint16(46), message.length - 48);
      }),
      { seed: 21, numRuns: RUNS, interruptAfterTimeLimit: RUNS * 5 },
    );
    assert.ok(taken > RUNS / 4, `only ${taken} taken`);
  });
});
