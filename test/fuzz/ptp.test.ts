import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { FRAMING, type Framing, framingOf, putFraming } from '../../src/wire/ptp/framing.js';
import {
  formatManagement,
  parseManagement,
  readGrandmaster,
  readPortState,
  readSettings,
  readTimeProperties,
  writeSettings,
} from '../../src/wire/ptp/management.js';

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

describe('fuzz: PTP management messages', () => {
  it('whatever a socket brings is a message or nothing, and what was written is read', () => {
    let read = 0;
    const data = fc.uint8Array({ maxLength: 40 });
    const changes = fc.array(fc.record({ at: fc.nat(100), value: fc.nat(255) }), { maxLength: 2 });
    fc.assert(
      fc.property(data, fc.nat(15), fc.nat(0xffff), fc.nat(255), changes, (body, action, id, domain, wrong) => {
        const bytes = formatManagement({ action, id, sequence: 3, data: body }, domain, 1);
        for (const { at, value } of wrong) if (at < bytes.length) bytes[at] = value;
        const message = parseManagement(bytes, domain);
        if (wrong.length === 0) assert.deepEqual(message, { action, id, sequence: 3, data: body, error: undefined });
        if (message === undefined) return;
        read++;
        assert.ok(message.data.length <= body.length);
        for (const of of [readGrandmaster, readPortState, readTimeProperties]) of(message.data);
        const settings = readSettings(message.data);
        if (settings !== undefined) assert.deepEqual(readSettings(writeSettings(settings)), settings);
      }),
      { seed: 22, numRuns: RUNS, interruptAfterTimeLimit: RUNS * 5 },
    );
    assert.ok(read > RUNS / 3, `only ${read} read`);
  });
});
