import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { CodedError } from '../../../src/base/errors.js';
import type { RefId } from '../../../src/base/refid.js';
import { fromUnix, mono } from '../../../src/base/time.js';
import type { Effect, Event, Now } from '../../../src/engine/events.js';
import { worldConfig } from '../../../src/sim/engineconfig.js';
import { decodeEntry, decodeHeader, digest, encodeEntry, encodeHeader } from '../../../src/sim/eventlog.js';
import { nmeaEpoch } from '../../../src/sim/host.js';
import type { TimeMessage } from '../../../src/wire/timemessage.js';

const T = fromUnix(1_772_323_200, 123_456_789);
const NOW: Now = { raw: T, mono: mono(42n) };

/** Without the fields that it does not have. */
const EPOCH = Object.fromEntries(
  Object.entries(nmeaEpoch(T, false, T, T)).filter(([, value]) => value !== undefined),
) as unknown as TimeMessage;
const BYTES = Uint8Array.of(0x24, 0, 0xff);

/** One of each kind. */
const EVENTS: { readonly [K in Event['kind']]: Extract<Event, { kind: K }> } = {
  start: {
    kind: 'start',
    driftFreq: -1.25e-6,
    driftSkew: 1e-8,
    rtc: { at: T, fast: 0.25, gain: 1e-5 },
    rtcSet: true,
  },
  tick: { kind: 'tick' },
  pulse: { kind: 'pulse', source: 1, edge: { edge: 'clear', time: T, sequence: 4294967295, missed: 2 } },
  message: { kind: 'message', source: 0, message: EPOCH },
  'pulse-error': { kind: 'pulse-error', source: 1, foretold: { utc: T, error: -10.2e-9 } },
  reading: {
    kind: 'reading',
    source: 0,
    reading: { local: T, offset: -0.1 + 0.3, error: 5e-324, leap: 1, pulse: true },
  },
  rejected: { kind: 'rejected', source: 0, reason: '123', count: 1 },
  device: { kind: 'device', source: 0, state: { kind: 'down', code: 'ERR_TB_DEVICE_MISSING', reason: '12345' } },
  'clock-jump': { kind: 'clock-jump', offset: -1 },
  'frequency-late': { kind: 'frequency-late', offset: -3e-6 },
  slept: { kind: 'slept', seconds: 3600 },
  temperature: { kind: 'temperature', value: 21.5 },
  'rtc-device': { kind: 'rtc-device', state: { kind: 'up' } },
  'rtc-update': { kind: 'rtc-update', time: T, utc: T },
  'ptp-time': {
    kind: 'ptp-time',
    time: {
      state: 'synchronised',
      utcOffset: 37,
      traceable: true,
      grandmaster: { identity: '0102030405060708', clockClass: 6, accuracy: 0x21, variance: 0xffff },
    },
  },
  'leap-table': {
    kind: 'leap-table',
    named: { name: '1', table: { entries: [{ at: T, taiUtc: 37 }], expires: T } },
  },
  restore: {
    kind: 'restore',
    source: 0,
    dump: {
      name: '1',
      refId: 1 as RefId,
      reach: 255,
      reachSize: 8,
      stratum: 1,
      leap: 0,
      samples: [
        {
          time: T,
          offset: 1e-9,
          peerDelay: 0,
          peerDispersion: 0,
          rootDelay: 0,
          rootDispersion: 0,
          stratum: 0,
          leap: 0,
        },
      ],
    },
  },
  'ntp-sent': { kind: 'ntp-sent', source: 0, serial: 1, time: T, stamp: 'kernel' },
  'ntp-failed': { kind: 'ntp-failed', source: 0, serial: 1, reason: '1' },
  'ntp-reply': {
    kind: 'ntp-reply',
    source: 0,
    bytes: BYTES,
    time: T,
    stamp: 'kernel',
    authentic: true,
    local: '127.0.0.1',
  },
  'ntp-resolved': { kind: 'ntp-resolved', name: '1', addresses: ['127.0.0.1'] },
  command: { kind: 'command', command: { name: 'online', match: { address: BYTES, mask: BYTES } } },
};

describe('event log', () => {
  it('gives back every event as it was', () => {
    for (const event of Object.values(EVENTS))
      assert.deepEqual(decodeEntry(encodeEntry(event, NOW), 2), { now: NOW, event });
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

  it('gives back bytes, also a Buffer’s, and takes no text for them', () => {
    const event: Event = { ...EVENTS['ntp-reply'], bytes: Buffer.from(BYTES) };
    const back = decodeEntry(encodeEntry(event, NOW), 2).event;
    assert.deepEqual(back, EVENTS['ntp-reply']);
    assert.match(encodeEntry(EVENTS['ntp-failed'], NOW), /"reason":"1"/);
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
