import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { parseIp } from '../../src/base/ip.js';
import { refidFromText } from '../../src/base/refid.js';
import { fromUnix } from '../../src/base/time.js';
import { sizeOf } from '../../src/wire/cmdmon/fields.js';
import { decodeFloat, encodeFloat } from '../../src/wire/cmdmon/float.js';
import {
  encodeReply,
  encodeRequest,
  encodeStatus,
  readReplyData,
  readReplyHeader,
  readRequestData,
  readRequestHeader,
} from '../../src/wire/cmdmon/packet.js';
import { STATUS } from '../../src/wire/cmdmon/protocol.js';
import { REPLIES, type ReplyName } from '../../src/wire/cmdmon/replies.js';
import {
  REQUESTS,
  type RequestName,
  replyForLength,
  requestByCode,
  requestLength,
} from '../../src/wire/cmdmon/requests.js';

const hex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text.replace(/[ |]/g, ''), 'hex'));
const toHex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const zeros = (n: number): string => '00'.repeat(n);

/** Value, word: made with chrony's own routine. */
const FLOATS: readonly [number, string][] = [
  [0, '00000000'],
  [1, '04800000'],
  [-1, '03000000'],
  [0.5, '02800000'],
  [-0.5, '01000000'],
  [2, '06800000'],
  [4, '08800000'],
  [100000, '24c35000'],
  [2000, '18fa0000'],
  [2 ** -12, 'ec800000'],
  [1e18, '7ade0b6b'],
  [-1e30, '7f000000'],
  [-Infinity, '7f000000'],
  [1.0000001, '04800001'],
  [0.9999999999, '04800000'],
  [1e-9, 'c889705f'],
  [-1e-9, 'c9768fa1'],
  [1e-6, 'dc8637bd'],
  [-1e-6, 'dd79c843'],
  [0.001, 'f083126f'],
  [-0.001, 'f17ced91'],
  [123.456, '10f6e979'],
  [-123.456, '11091687'],
  [Math.PI, '06c90fda'],
  [1e10, '469502f9'],
  [1e19, '7effffff'],
  [Infinity, '7effffff'],
  [1e101, '7effffff'],
  [NaN, '00000000'],
  [1e-30, '00000000'],
];

describe('wire/cmdmon float', () => {
  for (const [value, word] of FLOATS) {
    it(`writes ${value} as ${word}`, () => assert.equal(encodeFloat(value).toString(16).padStart(8, '0'), word));
  }
  it('reads back within its resolution', () => {
    const numbers = fc.double({ min: -4e18, max: 4e18, noNaN: true }).filter((x) => Math.abs(x) > 1e-18);
    fc.assert(
      fc.property(numbers, (x) => assert.ok(Math.abs(decodeFloat(encodeFloat(x)) - x) <= Math.abs(x) * 1.2e-7)),
      { seed: 3, numRuns: 2000 },
    );
  });
  it('reads every word as a finite number that is written back unchanged in value', () => {
    const words = fc.integer({ min: 0, max: 0xffffffff });
    fc.assert(
      fc.property(words, (w) => {
        const x = decodeFloat(w);
        assert.ok(Number.isFinite(x));
        assert.equal(decodeFloat(encodeFloat(x)), x);
      }),
      { seed: 4, numRuns: 5000 },
    );
  });
});

/** code: total length, reply code. From the table of requests of release 4.8 (56: of 4.5). */
const TOTALS: Readonly<Record<number, readonly [number, number]>> = {
  1: [60, 1],
  2: [60, 1],
  3: [68, 1],
  4: [44, 1],
  5: [44, 1],
  6: [28, 1],
  7: [44, 1],
  8: [44, 1],
  9: [28, 1],
  11: [40, 17],
  13: [28, 1],
  14: [32, 2],
  15: [76, 3],
  16: [28, 1],
  17: [44, 1],
  18: [44, 1],
  19: [44, 1],
  20: [44, 1],
  21: [44, 1],
  22: [44, 1],
  23: [44, 1],
  24: [44, 1],
  25: [40, 1],
  26: [40, 1],
  29: [40, 1],
  30: [28, 1],
  31: [28, 1],
  33: [104, 5],
  34: [84, 6],
  35: [56, 7],
  36: [28, 1],
  37: [28, 1],
  41: [416, 18],
  42: [28, 1],
  43: [28, 1],
  44: [48, 12],
  45: [44, 1],
  46: [44, 1],
  47: [44, 1],
  48: [28, 1],
  49: [28, 1],
  50: [28, 1],
  51: [52, 13],
  52: [28, 1],
  53: [28, 1],
  54: [196, 25],
  56: [36, 1],
  57: [172, 26],
  62: [28, 1],
  63: [28, 1],
  64: [372, 1],
  65: [284, 19],
  66: [28, 1],
  67: [52, 20],
  68: [520, 21],
  69: [76, 23],
  70: [28, 1],
  71: [28, 1],
  72: [52, 1],
  73: [48, 1],
  74: [48, 1],
};

describe('wire/cmdmon tables', () => {
  it('knows exactly the live requests, with their lengths and replies', () => {
    const found: Record<number, readonly [number, number]> = {};
    for (const name of Object.keys(REQUESTS) as RequestName[]) {
      found[REQUESTS[name].code] = [requestLength(name), REPLIES[REQUESTS[name].reply].code];
    }
    assert.deepEqual(found, TOTALS);
  });
  it('knows the reply lengths', () => {
    const lengths = Object.fromEntries(
      (Object.keys(REPLIES) as ReplyName[]).map((n) => [REPLIES[n].code, 28 + sizeOf(REPLIES[n].data)]),
    );
    assert.deepEqual(lengths, {
      1: 28,
      2: 32,
      3: 76,
      5: 104,
      6: 84,
      7: 56,
      12: 48,
      13: 52,
      16: 152,
      17: 40,
      18: 416,
      19: 284,
      20: 52,
      21: 520,
      22: 60,
      23: 76,
      24: 72,
      25: 196,
      26: 172,
    });
  });
  it('tells the generation of a client from the length of its request', () => {
    assert.equal(replyForLength('SERVER_STATS', 196), 'SERVER_STATS');
    assert.equal(replyForLength('SERVER_STATS', 195), 'SERVER_STATS3');
    assert.equal(replyForLength('SERVER_STATS', 72), 'SERVER_STATS3');
    assert.equal(replyForLength('SERVER_STATS', 71), 'SERVER_STATS2');
    assert.equal(replyForLength('SERVER_STATS', 59), undefined);
    assert.equal(replyForLength('NTP_DATA', 171), 'NTP_DATA1');
    assert.equal(replyForLength('NTP_DATA', 151), undefined);
    assert.equal(replyForLength('TRACKING', 103), undefined);
    assert.equal(replyForLength('TRACKING', 860), 'TRACKING');
  });
  for (const code of [0, 10, 12, 27, 28, 32, 38, 39, 40, 55, 58, 61, 75, 200, 65535]) {
    it(`does not know request ${code}`, () => assert.equal(requestByCode(code), undefined));
  }
});

describe('wire/cmdmon packets as captured', () => {
  const request = { version: 6, command: 0, sequence: 0x01020304 };
  it('N_SOURCES', () => {
    assert.equal(toHex(encodeRequest('N_SOURCES', {}, 0x01020304)), `06010000000e000001020304${zeros(20)}`);
    const reply = encodeReply({ ...request, command: 14 }, 'N_SOURCES', { count: 2 });
    assert.equal(toHex(reply), `06020000000e0002${zeros(8)}01020304${zeros(8)}00000002`);
    assert.deepEqual(readReplyHeader(reply), { version: 6, command: 14, reply: 2, status: 0, sequence: 0x01020304 });
  });
  it('makestep over UDP: not authorised', () => {
    assert.deepEqual(readRequestHeader(hex(`06010000002b000001020304${zeros(16)}`)), { ...request, command: 43 });
    const reply = encodeStatus({ ...request, command: 43 }, STATUS.UNAUTH);
    assert.equal(toHex(reply), `06020000002b00010002${zeros(6)}01020304${zeros(8)}`);
  });
  it('SOURCE_DATA of a refclock without samples', () => {
    const reply = encodeReply({ ...request, command: 15 }, 'SOURCE_DATA', {
      address: hex('47505300'),
      pollLog2: -2,
      stratum: 0,
      state: 1,
      mode: 2,
      reach: 0,
      sinceSample: 0xffffffff,
      lastOffsetMeasuredFast: 0,
      lastOffsetFast: 0,
      errorBound: 0,
    });
    assert.equal(
      toHex(reply.subarray(28)),
      toHex(hex(`47505300 ${zeros(12)} 0001 0000 | fffe 0000 0001 0002 0000 0000 ffffffff 00000000 00000000 00000000`)),
    );
  });
  it('TRACKING of a local reference', () => {
    const reply = encodeReply({ ...request, command: 33 }, 'TRACKING', {
      refId: 0x7f7f0101,
      address: undefined,
      stratum: 10,
      leap: 0,
      referenceTime: fromUnix(0x6b00df0d, 0x314d0b00),
      currentCorrection: 0,
      lastOffset: 0,
      rmsOffset: 0,
      frequencyFastPpm: 0,
      residualFrequencyPpm: 0,
      skewPpm: 0,
      rootDelay: 0,
      rootDispersion: 0,
      lastUpdateInterval: 0,
    });
    assert.equal(toHex(reply.subarray(28)), `7f7f0101${zeros(20)}000a0000000000006b00df0d314d0b00${zeros(36)}`);
  });
  it('SELECT_DATA of a noselect refclock', () => {
    const reply = encodeReply({ ...request, command: 69 }, 'SELECT_DATA', {
      refId: refidFromText('GPS'),
      address: undefined,
      state: 'N',
      authenticated: 0,
      leap: 3,
      configured: 1,
      effective: 1,
      sinceSample: 0,
      score: 1,
      lowLimitFast: 0,
      highLimitFast: 0,
    });
    assert.equal(
      toHex(reply.subarray(28)),
      toHex(hex(`47505300 | ${zeros(20)} | 4e 00 03 00 | 0001 0001 | 00000000 | 04800000 | 00000000 | 00000000`)),
    );
  });
  it('NTP_DATA of a loopback server', () => {
    const captured = `7f000001 ${zeros(12)} 0001 0000 | 7f000001 ${zeros(12)} 0001 0000 | 2b73 00 04 04 0a 00 e3 | 00000000 00000000 7f7f0101 | 00000000 6b00df0d 314d0aff | daed90bd de89705f d49f5956 e68aec7a 00000000 | 43fe 4b 4b | 00000004 00000004 00000004 00000004 | 00000000 00000004 00000000 00000000 | ${'ff'.repeat(16)}`;
    const packet = hex(`0602000000390 01a ${zeros(8)} 01020304 ${zeros(8)} ${captured}`.replace(/ /g, ''));
    const data = readReplyData('NTP_DATA', packet);
    assert.deepEqual(data.remoteAddress, parseIp('127.0.0.1'));
    assert.equal(data.remotePort, 11123);
    assert.equal(data.precisionLog2, -29);
    assert.equal(data.flags, 0x43fe);
    assert.equal(data.kernelRx, 4);
    assert.equal(toHex(encodeReply({ ...request, command: 57 }, 'NTP_DATA', data).subarray(28)), toHex(hex(captured)));
    const older = encodeReply({ ...request, command: 57 }, 'NTP_DATA1', data);
    assert.equal(older.length, 152);
    assert.equal(toHex(older.subarray(28, 140)), toHex(hex(captured)).slice(0, 224));
    assert.equal(toHex(older.subarray(140)), 'ff'.repeat(12));
  });
  it('AUTH_DATA without authentication', () => {
    const reply = encodeReply({ ...request, command: 67 }, 'AUTH_DATA', {
      mode: 0,
      keyType: 0,
      keyId: 0,
      keyLength: 0,
      keAttempts: 0,
      lastKeAgo: 0xffffffff,
      cookies: 0,
      cookieLength: 0,
      nak: 0,
    });
    assert.equal(toHex(reply.subarray(28)), `${zeros(12)}ffffffff${zeros(8)}`);
  });
});

describe('wire/cmdmon scalars', () => {
  it('carries IPv4, IPv6, ID and unspecified addresses', () => {
    for (const address of [parseIp('192.0.2.1'), parseIp('2001:db8::1'), 7, undefined]) {
      assert.deepEqual(readRequestData('ACCHECK', encodeRequest('ACCHECK', { address }, 1)).address, address);
    }
  });
  it('takes an unknown family for unspecified', () => {
    const packet = encodeRequest('ACCHECK', { address: parseIp('192.0.2.1') }, 1);
    packet[37] = 9;
    assert.equal(readRequestData('ACCHECK', packet).address, undefined);
  });
  it('reads seconds of a 32-bit host and clamps nanoseconds', () => {
    const packet = encodeRequest('SETTIME', { time: fromUnix(5) }, 1);
    packet.set(hex('7fffffff 00000005 ffffffff'), 20);
    assert.equal(readRequestData('SETTIME', packet).time, fromUnix(5, 999_999_999));
  });
  it('refuses a source name without its final NUL or with a space', () => {
    const packet = new Uint8Array(284);
    packet.set(hex('0602000000410013'));
    packet.set(Buffer.from('pool.example'), 28);
    assert.equal(readReplyData('NTP_SOURCE_NAME', packet).name, 'pool.example');
    packet[30] = 0x20;
    assert.equal(readReplyData('NTP_SOURCE_NAME', packet).name, undefined);
    packet[30] = 0x6f;
    packet[283] = 0x41;
    assert.equal(readReplyData('NTP_SOURCE_NAME', packet).name, undefined);
  });
  it('refuses a reply shorter than its code promises', () => {
    const packet = encodeReply({ version: 6, command: 14, sequence: 1 }, 'N_SOURCES', { count: 2 });
    assert.equal(readReplyHeader(packet.subarray(0, 31)), undefined);
  });
});
