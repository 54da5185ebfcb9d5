import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { refidFromText } from '../../../src/base/refid.js';
import { fromUnix } from '../../../src/base/time.js';
import { respondMode6 } from '../../../src/control/mode6/respond.js';
import type { Mode6Context } from '../../../src/control/mode6/variables.js';
import type { SourceReport, TrackingReport } from '../../../src/core/report/reports.js';

const tracking: TrackingReport = {
  refId: refidFromText('PPS0'),
  address: undefined,
  name: 'PPS0',
  stratum: 1,
  leap: 0,
  referenceTime: fromUnix(1_800_000_000, 0),
  currentCorrection: 0,
  lastOffset: 1e-6,
  rmsOffset: 2e-6,
  frequencyFastPpm: -3.5,
  residualFrequencyPpm: 0,
  skewPpm: 0.01,
  rootDelay: 0,
  rootDispersion: 1e-5,
  lastUpdateInterval: 1,
  mode: 'tracking',
};
const source = (name: string, state: SourceReport['state'], address?: string): SourceReport => ({
  name,
  refId: refidFromText(name),
  address,
  mode: address === undefined ? 'refclock' : 'client',
  state,
  stratum: 0,
  pollLog2: 4,
  reach: 255,
  sinceSample: 3,
  lastOffsetMeasuredFast: 1e-3,
  lastOffsetFast: 1e-3,
  errorBound: 1e-4,
});
const context: Mode6Context = {
  tracking: () => tracking,
  sources: () => [source('PPS0', '*'), source('NMEA', '-'), source('a', '+', '192.0.2.7')],
  sourcestats: () => [],
  ntpData: () => undefined,
  now: () => fromUnix(1_800_000_010, 0),
  precision: -24,
  version: 'timeball '.repeat(20),
  system: 'Linux',
  processor: 'x"\n',
};

const ask = (
  op: number,
  association = 0,
  text = '',
): { packets: readonly Uint8Array[]; text: string; view: DataView } => {
  const bytes = new Uint8Array(12 + Math.ceil(text.length / 4) * 4);
  const view = new DataView(bytes.buffer);
  bytes.set([0xd6, op]);
  view.setUint16(2, 77);
  view.setUint16(6, association);
  view.setUint16(10, text.length);
  bytes.set(Buffer.from(text), 12);
  const packets = respondMode6(bytes, context);
  const data = packets.map((p) =>
    Buffer.from(p.subarray(12, 12 + new DataView(p.buffer).getUint16(10))).toString('latin1'),
  );
  return { packets, text: data.join(''), view: new DataView((packets[0] ?? new Uint8Array(12)).buffer) };
};

describe('mode 6', () => {
  it('lists associations with their status', () => {
    const { view, packets } = ask(1);
    assert.equal(packets.length, 1);
    assert.deepEqual([view.getUint8(0), view.getUint8(1), view.getUint16(2)], [0x16, 0x81, 77]);
    assert.equal(view.getUint16(4) >> 8, 4, 'a radio clock');
    assert.equal(view.getUint16(10), 12);
    assert.deepEqual(
      [12, 14, 16, 18, 20, 22].map((at) => view.getUint16(at).toString(16)),
      ['1', '9614', '2', '9314', '3', '9414'],
    );
  });

  it('tells system and peer variables in ms, positive = slow, in fragments', () => {
    const system = ask(2);
    assert.match(system.text, /stratum=1,.*rootdisp=0\.010000,.*refid=PPS0.*offset=0\.001000,.*frequency=-3\.500000/s);
    assert.match(system.text, /processor="x"/);
    assert.match(system.text, /reftime=0x[0-9a-f]{8}\.00000000/);
    assert.ok(system.text.endsWith('\r\n'));
    assert.ok(system.packets.length > 1);
    for (const [i, p] of system.packets.entries()) {
      assert.equal((p[1]! & 0x20) !== 0, i < system.packets.length - 1);
      assert.ok(p.length <= 480 && p.length % 4 === 0);
    }
    assert.match(ask(2, 1).text, /srchost="PPS0".*reach=0xff.*offset=-1\.000000/s);
    assert.match(ask(2, 3).text, /srcadr=192\.0\.2\.7/);
    assert.equal(ask(2, 0, 'stratum,nothing,leap=3').text, 'leap=0, stratum=1\r\n');
  });

  it('refuses what writes or is not known, and is silent to what is no request', () => {
    const errors = [ask(3), ask(8), ask(10), ask(12), ask(2, 9), ask(1, 9), ask(2, 0, 'nothing')];
    assert.deepEqual(
      errors.map((e) => [e.view.getUint8(1) & 0xc0, e.view.getUint8(4)]),
      [3, 3, 3, 3, 4, 4, 5].map((code) => [0xc0, code]),
    );
    for (const op of [0x81, 0x41, 0x21, 0xc2]) assert.equal(ask(op).packets.length, 0);
    assert.equal(respondMode6(new Uint8Array(11).fill(0x16), context).length, 0);
    const long = new Uint8Array(12).fill(0);
    long.set([0x16, 2]);
    long[11] = 4;
    assert.equal(respondMode6(long, context).length, 0, 'a count beyond the packet');
  });
});
