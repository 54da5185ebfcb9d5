import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ReceiverWatch, SILENT, samePtpTime } from '../../../../src/core/ptp/receiver.js';
import { ACTION, MANAGEMENT, PORT_STATE } from '../../../../src/wire/ptp/management.js';

const message = (id: number, data: Uint8Array, error?: number) => ({
  action: ACTION.RESPONSE,
  id,
  sequence: 1,
  data,
  error,
});
const port = (state: number) => message(MANAGEMENT.PORT_DATA_SET, new Uint8Array(26).fill(state, 10, 11));
const UTC_VALID = 4;
const PTP = 8;
const TRACEABLE = 16;
const properties = (offset: number, flags: number) =>
  message(MANAGEMENT.TIME_PROPERTIES_DATA_SET, Uint8Array.of(offset >> 8, offset & 0xff, flags, 0x20));

const round = (watch: ReceiverWatch, ...messages: ReturnType<typeof message>[]) => {
  for (const m of messages) watch.answer(m);
  return watch.conclude();
};

describe('what a ptp4l that receives time knows', () => {
  it('counts while one of its ports follows somebody on the PTP timescale', () => {
    const watch = new ReceiverWatch();
    const ports = [port(PORT_STATE.MASTER), port(PORT_STATE.SLAVE)];
    const time = round(watch, ...ports, properties(36, UTC_VALID | PTP | TRACEABLE));
    assert.deepEqual([time.state, time.utcOffset, time.traceable], ['synchronised', 36, true]);
    const arbitrary = round(watch, port(PORT_STATE.SLAVE), properties(37, UTC_VALID));
    assert.deepEqual([arbitrary.state, arbitrary.utcOffset], ['arbitrary', undefined]);
    for (const state of [PORT_STATE.UNCALIBRATED, PORT_STATE.MASTER, PORT_STATE.PASSIVE]) {
      assert.equal(round(watch, port(state), properties(37, UTC_VALID | PTP)).state, 'waiting');
    }
  });

  it('has no TAI-UTC where the grandmaster does not vouch for it, or says nonsense', () => {
    for (const [offset, flags] of [
      [37, PTP],
      [0, PTP | UTC_VALID],
      [-37 & 0xffff, PTP | UTC_VALID],
      [3700, PTP | UTC_VALID],
    ] as const) {
      const time = round(new ReceiverWatch(), port(PORT_STATE.SLAVE), properties(offset, flags));
      assert.deepEqual([time.state, time.utcOffset], ['synchronised', undefined]);
    }
  });

  it('is silent before it has said anything, and after three rounds of nothing', () => {
    const watch = new ReceiverWatch();
    assert.equal(watch.conclude(), SILENT);
    round(watch, port(PORT_STATE.SLAVE), properties(37, PTP | UTC_VALID));
    assert.equal(watch.conclude().state, 'synchronised');
    // Half an answer, and a refusal, are none.
    assert.equal(round(watch, port(PORT_STATE.SLAVE)).state, 'synchronised');
    const refusal = message(MANAGEMENT.TIME_PROPERTIES_DATA_SET, Uint8Array.of(0, 37, 12, 0), 2);
    assert.equal(round(watch, port(PORT_STATE.SLAVE), refusal).state, 'silent');
  });

  it('news are news', () => {
    const watch = new ReceiverWatch();
    const a = round(watch, port(PORT_STATE.SLAVE), properties(37, PTP | UTC_VALID));
    const b = round(watch, port(PORT_STATE.SLAVE), properties(37, PTP | UTC_VALID));
    assert.ok(samePtpTime(a, b));
    assert.ok(!samePtpTime(a, round(watch, port(PORT_STATE.SLAVE), properties(36, PTP | UTC_VALID))));
  });
});
