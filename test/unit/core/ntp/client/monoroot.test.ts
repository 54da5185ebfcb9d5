import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { fieldsOf, MonoTrack, withMonoRoot } from '../../../../../src/core/ntp/client/monoroot.js';
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
    });
    const told = withMonoRoot(request(), { rootDelay: 1.25e-6, rootDispersion: 3.3e-7 });
    const { monoRoot } = fieldsOf(told, 4);
    assert.ok(Math.abs(monoRoot!.rootDelay - 1.25e-6) < 4e-9);
    assert.ok(Math.abs(monoRoot!.rootDispersion - 3.3e-7) < 4e-9);
  });

  it('other fields, wrong magic and MACs are none', () => {
    assert.deepEqual(fieldsOf(request(), 4), { plain: true, monoRoot: undefined });
    assert.deepEqual(fieldsOf(request({ tail: field(0xf323, 28) }), 4), { plain: true, monoRoot: undefined });
    assert.deepEqual(fieldsOf(request({ tail: field(0x2222, 28) }), 4), { plain: true, monoRoot: undefined });
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
