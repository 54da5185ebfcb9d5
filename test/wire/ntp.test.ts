import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { NO_REPLY, replyMode } from '../../src/wire/ntp/header.js';
import { newTail, readTail, TAIL } from '../../src/wire/ntp/tail.js';
import { field } from '../support/packets.js';

const read = (tail: readonly number[] | Uint8Array, version = 4) => {
  const bytes = Uint8Array.of(...new Array<number>(48).fill(0), ...tail);
  const out = newTail();
  readTail(new DataView(bytes.buffer), 0, bytes.length, version, out);
  return out;
};
const kind = (tail: readonly number[] | Uint8Array, version = 4): string =>
  Object.entries(TAIL).find(([, k]) => k === read(tail, version).kind)![0];
const zeros = (n: number): number[] => new Array<number>(n).fill(0);

describe('NTP: what stands behind the header', () => {
  const cases: [string, string, readonly number[] | Uint8Array, number?][] = [
    ['nothing', 'PLAIN', []],
    ['crypto-NAK', 'MAC', zeros(4)],
    ['four bytes that are no crypto-NAK', 'MALFORMED', [0, 0, 0, 1]],
    ['16 bytes: too short for either', 'MALFORMED', field(0x2222, 16)],
    ['MD5 MAC', 'MAC', [0, 0, 0, 1, ...zeros(16)]],
    ['SHA1 MAC', 'MAC', [0, 0, 0, 1, ...zeros(20)]],
    ['a lone field needs 28 bytes', 'PLAIN', field(0x2222, 28)],
    ['the same with 24 reads as a MAC', 'MAC', field(0x2222, 24)],
    ['field of length 0', 'MALFORMED', [0x22, 0x22, 0, 0, ...zeros(24)]],
    ['field of length 3', 'MALFORMED', [0x22, 0x22, 0, 3, ...zeros(24)]],
    ['field of length 15', 'MALFORMED', [0x22, 0x22, 0, 15, ...zeros(24)]],
    ['field beyond the packet', 'MALFORMED', [0x22, 0x22, 0xff, 0xff, ...zeros(24)]],
    ['field of 30 bytes, no multiple of four', 'MALFORMED', [0x22, 0x22, 0, 30, ...zeros(28)]],
    ['field, then MAC', 'MAC', [...field(0x2222, 16), 0, 0, 0, 1, ...zeros(16)]],
    ['field, then rubbish of 8', 'MALFORMED', [...field(0x2222, 28), ...zeros(8)]],
    ['NTS', 'NTS', [...field(0x0104, 36), ...field(0x0204, 100), ...field(0x0404, 40)]],
    ['version 3: everything is a MAC', 'MAC', field(0x2222, 28), 3],
    ['version 3: 120 bytes of MS-SNTP', 'MAC', zeros(72), 3],
  ];
  for (const [name, expected, tail, version] of cases) it(name, () => assert.equal(kind(tail, version ?? 4), expected));

  it('finds the unique identifier wherever it stands', () => {
    const t = read([...field(0x2222, 16), ...field(0x0104, 40)]);
    assert.deepEqual([t.uniqueIdAt, t.uniqueIdBytes], [64, 40]);
    const none = read(field(0x0104, 32));
    assert.deepEqual([none.kind, none.uniqueIdAt], [TAIL.PLAIN, 0]);
  });

  it('a reply never asks for a reply', () => {
    for (let version = 0; version < 8; version++) {
      for (let mode = 0; mode < 8; mode++) {
        for (const port of [123, 40000]) {
          const back = replyMode(version, mode, port);
          if (back !== NO_REPLY) assert.equal(replyMode(version, back, 123), NO_REPLY);
        }
      }
    }
  });
});
