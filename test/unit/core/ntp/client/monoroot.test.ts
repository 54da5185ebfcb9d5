import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  ANY_CORRECTION,
  fieldsOf,
  MonoTrack,
  withCorrections,
  withMonoRoot,
} from '../../../../../src/core/ntp/client/monoroot.js';
import { FIELD, putCorrection } from '../../../../../src/wire/ntp/tail.js';
import { field, request } from '../../../../support/packets.js';

const root = (mono: number, epoch = 7) => ({
  rootDelay: 0,
  rootDispersion: 0,
  stamp: { hi: mono, lo: 0 },
  epoch,
});

describe('the field F323', () => {
  it('asks with zeros and tells root values to 4 ns', () => {
    const asked = withMonoRoot(request());
    assert.equal(asked.length, 76);
    assert.deepEqual(fieldsOf(asked, 4), {
      plain: true,
      monoRoot: { rootDelay: 0, rootDispersion: 0, stamp: { hi: 0, lo: 0 }, epoch: 0 },
      wait: 0,
      corrections: [],
    });
    const told = withMonoRoot(request(), { rootDelay: 1.25e-6, rootDispersion: 3.3e-7 });
    const { monoRoot } = fieldsOf(told, 4);
    assert.ok(Math.abs(monoRoot!.rootDelay - 1.25e-6) < 4e-9);
    assert.ok(Math.abs(monoRoot!.rootDispersion - 3.3e-7) < 4e-9);
  });

  it('other fields, wrong magic and MACs are none', () => {
    const none = { plain: true, monoRoot: undefined, wait: 0, corrections: [] };
    assert.deepEqual(fieldsOf(request(), 4), none);
    assert.deepEqual(fieldsOf(request({ tail: field(0xf323, 28) }), 4), none);
    assert.deepEqual(fieldsOf(request({ tail: field(0x2222, 28) }), 4), none);
    assert.equal(fieldsOf(request({ tail: new Uint8Array(20) }), 4).plain, false);
    assert.equal(fieldsOf(request({ length: 50 }), 4).plain, false);
  });

  it('sees how a server moves its clock, as long as its other clock is the same', () => {
    const track = new MonoTrack();
    assert.equal(track.moved(root(100), { hi: 1000, lo: 0 }), 0);
    assert.equal(track.moved(root(116), { hi: 1018, lo: 0 }), 2);
    assert.equal(track.moved(root(132), { hi: 1034, lo: 0 }), 0);
    assert.equal(track.moved(root(148, 8), { hi: 1055, lo: 0 }), 0, 'another epoch');
    assert.equal(track.moved(root(164, 8), { hi: 1166, lo: 0 }), 0, 'too far to be believed');
    assert.equal(track.moved(undefined, { hi: 1180, lo: 0 }), 0);
    assert.equal(track.moved(root(190, 8), { hi: 1200, lo: 0 }), 0);
    // Over the end of an NTP era.
    track.moved(root(0xffffffff), { hi: 0xfffffffe, lo: 0 });
    assert.equal(track.moved(root(9), { hi: 9, lo: 0 }), 1);
  });
});

describe('the fields of a correction', () => {
  const told = (type: number, seconds: number): Uint8Array => {
    const tail = new Uint8Array(28);
    putCorrection(new DataView(tail.buffer), 0, type, seconds);
    return request({ tail });
  };

  it('ask in both forms, with zeros', () => {
    const asked = withCorrections(request(), ANY_CORRECTION);
    assert.equal(asked.length, 104);
    const hex = Buffer.from(asked.slice(48)).toString('hex');
    assert.equal(hex, `010a001c${'00'.repeat(24)}f324001c07ac2ceb${'00'.repeat(20)}`);
    assert.equal(fieldsOf(asked, 4).wait, 0);
  });

  it('tell in either, to a quarter of a nanosecond', () => {
    for (const type of [FIELD.CORRECTION, FIELD.CORRECTION_EXPERIMENTAL]) {
      for (const seconds of [1e-9, 1234.5e-9, 1.25]) {
        assert.ok(Math.abs(fieldsOf(told(type, seconds), 4).wait - seconds) < 2.4e-10);
      }
      for (const absurd of [-1e-6, 16, Number.NaN]) assert.equal(fieldsOf(told(type, absurd), 4).wait, 0);
    }
  });

  it('without the magic the experimental one says nothing', () => {
    const bytes = told(FIELD.CORRECTION_EXPERIMENTAL, 1e-6);
    bytes[52] = 0;
    assert.equal(fieldsOf(bytes, 4).wait, 0);
  });
});
