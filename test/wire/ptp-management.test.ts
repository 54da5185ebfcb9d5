import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { fromHex } from '../../src/base/ascii.js';
import {
  ACTION,
  formatManagement,
  MANAGEMENT,
  parseManagement,
  readGrandmaster,
  readPortState,
  readSettings,
  readTimeProperties,
  TIME_SOURCE,
  writeSettings,
} from '../../src/wire/ptp/management.js';

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
/** A message from port 1 of clock e6f865fffe8f52a5, domain 0, sequence 7, to port 0x1234. */
const header = (length: string, action: string): string =>
  [
    `0d02${length}00000000`,
    '00'.repeat(12),
    'e6f865fffe8f52a500010007047f',
    `${'00'.repeat(8)}1234`,
    `0000${action}00`,
  ].join('');

describe('PTP management messages', () => {
  it('a question is written byte for byte', () => {
    const asked = formatManagement(
      { action: ACTION.GET, id: MANAGEMENT.TIME_PROPERTIES_DATA_SET, sequence: 258, data: new Uint8Array(0) },
      24,
      0x1234,
    );
    const expected = `0d0200361800${'00'.repeat(14)}${'00'.repeat(8)}12340102047f${'ff'.repeat(10)}00000000000100022003`;
    assert.equal(hex(asked), expected);
  });

  it('an answer of ptp4l is read', () => {
    const bytes = fromHex(`${header('003a', '02')}00010006200300243420`)!;
    assert.equal(bytes.length, 0x3a);
    const message = parseManagement(bytes, 0)!;
    assert.deepEqual([message.action, message.id, message.sequence, message.error], [2, 0x2003, 7, undefined]);
    assert.deepEqual(readTimeProperties(message.data), {
      utcOffset: 36,
      utcOffsetValid: true,
      leap: 0,
      ptpTimescale: false,
      timeTraceable: true,
      frequencyTraceable: true,
      timeSource: 0x20,
    });
  });

  it('a refusal is one', () => {
    const message = parseManagement(fromHex(`${header('003c', '02')}000200080006c00100000000`)!, 0)!;
    assert.deepEqual([message.id, message.error], [MANAGEMENT.GRANDMASTER_SETTINGS_NP, 6]);
  });

  it('other domains, other messages, lengths that lie and pieces are nothing', () => {
    const good = fromHex(`${header('003a', '02')}00010006200300243420`)!;
    assert.equal(parseManagement(good, 1), undefined);
    for (let n = 0; n < good.length; n++) assert.equal(parseManagement(good.slice(0, n), 0), undefined);
    for (const [at, value] of [
      [0, 0x0b],
      [1, 1],
      [3, 0x3b],
      [51, 7],
      [51, 0],
      [49, 9],
    ] as const) {
      const bad = good.map((b, i) => (i === at ? value : b));
      assert.equal(parseManagement(bad, 0), undefined, `byte ${at}`);
    }
  });

  it('data sets that are too short are nothing', () => {
    const empty = new Uint8Array(0);
    for (const read of [readTimeProperties, readGrandmaster, readSettings, readPortState]) {
      assert.equal(read(empty), undefined);
    }
  });

  it('the parent data set tells the grandmaster', () => {
    const parent = 'be3e76fffee304ed00010000ffff7fffffff';
    const data = fromHex(`${parent}800621432180be3e76fffee304ed`)!;
    assert.deepEqual(readGrandmaster(data), {
      clockClass: 6,
      accuracy: 0x21,
      variance: 0x4321,
      identity: 'be3e76fffee304ed',
    });
  });

  it('grandmaster settings survive the way there and back', () => {
    const settings = {
      clockClass: 7,
      accuracy: 0x22,
      variance: 0xffff,
      time: {
        utcOffset: 37,
        utcOffsetValid: true,
        leap: 1,
        ptpTimescale: true,
        timeTraceable: true,
        frequencyTraceable: false,
        timeSource: TIME_SOURCE.GNSS,
      },
    } as const;
    assert.equal(hex(writeSettings(settings)), '0722ffff00251d20');
    assert.deepEqual(readSettings(writeSettings(settings)), settings);
    const deleted = { ...settings, time: { ...settings.time, leap: 2 as const } };
    assert.deepEqual(readSettings(writeSettings(deleted)), deleted);
  });
});
