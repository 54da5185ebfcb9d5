import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { CodedError } from '../../../src/base/errors.js';
import { fromUnix, mono } from '../../../src/base/time.js';
import type { Effect, Event, Now } from '../../../src/engine/events.js';
import { worldConfig } from '../../../src/sim/engineconfig.js';
import { decodeEntry, decodeHeader, digest, encodeEntry, encodeHeader } from '../../../src/sim/eventlog.js';
import { nmeaEpoch } from '../../../src/sim/host.js';

const T = fromUnix(1_772_323_200, 123_456_789);
const NOW: Now = { raw: T, mono: mono(42n) };

describe('event log', () => {
  it('gives back every event as it was', () => {
    const events: Event[] = [
      { kind: 'start', driftFreq: -1.25e-6, driftSkew: 1e-8 },
      { kind: 'tick' },
      { kind: 'pulse', source: 1, edge: { edge: 'clear', time: T, sequence: 4294967295, missed: 2 } },
      { kind: 'reading', source: 0, reading: { local: T, offset: -0.1 + 0.3, error: 5e-324, leap: 1, pulse: true } },
      { kind: 'device', source: 0, state: { kind: 'down', code: 'ERR_TB_DEVICE_MISSING', reason: '12345' } },
      { kind: 'clock-jump', offset: -1 },
    ];
    for (const event of events) assert.deepEqual(decodeEntry(encodeEntry(event, NOW), 2), { now: NOW, event });
  });

  it('gives back a message, absent fields staying absent', () => {
    const event: Event = { kind: 'message', source: 0, message: nmeaEpoch(T, false, T, T) };
    const back = decodeEntry(encodeEntry(event, NOW), 2).event;
    assert.ok(back.kind === 'message');
    assert.equal(back.message.utc, T);
    assert.equal(back.message.leapPending, undefined);
    assert.equal(back.message.bytesToEnd, 70);
  });

  it('keeps the configuration', () => {
    const config = worldConfig(['refclock SHM 0 refid PPS', 'local stratum 5', 'makestep 1 -1'], false);
    const back = decodeHeader(encodeHeader(config)).config;
    assert.deepEqual(back.refclocks, config.refclocks);
    assert.deepEqual(back.local, config.local);
    assert.equal(back.buildDate, config.buildDate);
    assert.equal(back.control, undefined);
  });

  it('tells different effects apart', () => {
    const a: Effect[] = [{ kind: 'step-clock', offset: 1 }];
    const b: Effect[] = [{ kind: 'step-clock', offset: 1.0000001 }];
    assert.notEqual(digest(a), digest(b));
    assert.match(digest(a), /^[0-9a-f]{8}$/);
  });

  it('refuses what is no log with a coded error that names the line', () => {
    for (const line of ['', '{', '[]', 'null', '{"timeball":"events","version":2,"config":{}}']) {
      assert.throws(() => decodeHeader(line), CodedError);
    }
    for (const line of [
      '{}',
      '{"now":{"raw":1,"mono":"2"},"event":{"kind":"tick"}}',
      '{"now":{"raw":"1","mono":"2"}}',
    ]) {
      assert.throws(() => decodeEntry(line, 7), /line 7/);
    }
  });
});
