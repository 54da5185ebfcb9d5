import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { KeyStream } from '../../../../src/base/keystream.js';
import { refidFromText } from '../../../../src/base/refid.js';
import { add, addMono, fromUnix, mono } from '../../../../src/base/time.js';
import { Broadcasts } from '../../../../src/core/ntp/broadcast.js';
import { NO_SERVER, type ServerState } from '../../../../src/core/ntp/state.js';
import { parsePacket, ZERO_STAMP } from '../../../../src/wire/ntp/packet.js';

const START = fromUnix(1_767_225_600);
const BOOT = mono(1_000_000_000_000n);
const STATE: ServerState = {
  leap: 1,
  stratum: 1,
  refId: refidFromText('PPS'),
  referenceTime: add(START, -4),
  rootDelay: 0,
  rootDispersion: 1e-4,
  dispersionAt: START,
  dispersionRate: 1e-4,
  precision: -24,
  view: { ref: START, correction: 0.5, rate: 0 },
};

describe('broadcasts', () => {
  const options = [
    { interval: 64, address: '192.0.2.255', port: 123 },
    { interval: 10, address: '224.0.1.1', port: 1123 },
  ];
  const run = (state: ServerState, seconds: number) => {
    const broadcasts = new Broadcasts(options, new KeyStream([1]), BOOT);
    const sent = [];
    for (let t = 0; t < seconds; t += 0.1) {
      const raw = add(START, t);
      for (const p of broadcasts.due(addMono(BOOT, t), raw, add(raw, 0.5), () => state)) sent.push({ t, ...p });
    }
    return { broadcasts, sent };
  };

  it('go out at their intervals, from the first second on', () => {
    const { sent, broadcasts } = run(STATE, 640);
    const [slow, fast] = options.map((o) => sent.filter((s) => s.address === o.address));
    assert.equal(slow!.length, 10);
    assert.ok(Math.abs(fast!.length - 64) <= 1);
    assert.ok(slow![0]!.t > 0.95 && slow![0]!.t < 1.2);
    assert.ok(fast!.every((s) => s.port === 1123));
    assert.ok(broadcasts.next()! > addMono(BOOT, 639));
  });

  it('say what the server says, answer nobody, and get their stamp when they leave', () => {
    const { sent } = run(STATE, 70);
    const last = sent.findLast((s) => s.address === '192.0.2.255')!;
    const packet = parsePacket(last.bytes)!;
    assert.equal(last.bytes.length, 48);
    assert.deepEqual(
      [packet.mode, packet.version, packet.leap, packet.stratum, packet.refId, packet.pollLog2, packet.precisionLog2],
      [5, 4, 1, 1, refidFromText('PPS'), 6, -24],
    );
    assert.deepEqual([packet.origin, packet.receive, packet.transmit], [ZERO_STAMP, ZERO_STAMP, ZERO_STAMP]);
    assert.equal(last.correction, 0.5);
    // 65 s of 1e-4 on top of 1e-4, rounded up to the grain of the field.
    assert.ok(Math.abs(packet.rootDispersion - (1e-4 + (last.t + 0.5) * 1e-4)) < 2e-5);
  });

  it('an unsynchronised server says so', () => {
    const { sent } = run(NO_SERVER, 5);
    const packet = parsePacket(sent[0]!.bytes)!;
    assert.deepEqual([packet.leap, packet.stratum, packet.refId], [3, 0, 0]);
  });
});
