import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { readTempcompPoints, Thermometer } from '../../../src/app/daemon/thermometer.js';
import { CodedError } from '../../../src/base/errors.js';

const dir = mkdtempSync(join(tmpdir(), 'timeball-temp-'));
after(() => rmSync(dir, { recursive: true }));
const sensor = join(dir, 'temp1_input');

describe('Thermometer', () => {
  it('reads the sensor; a failure is told once, until it works again', () => {
    const seen: (number | string)[] = [];
    const config = { kind: 'quadratic', sensor, interval: 1, t0: 0, k0: 0, k1: 0, k2: 0 } as const;
    const thermometer = new Thermometer(
      config,
      (t) => seen.push(t),
      (text) => seen.push(text),
    );
    thermometer.start()();
    thermometer.read();
    writeFileSync(sensor, '48312\n');
    thermometer.read();
    writeFileSync(sensor, 'garbage\n');
    thermometer.read();
    thermometer.read();
    const text = `Could not read temperature from ${sensor}`;
    assert.deepEqual(seen, [text, 48312, text]);
  });
});

describe('tempcomp with a file of points', () => {
  const config = (file: string) => ({ kind: 'points', sensor, interval: 1, file }) as const;
  const file = join(dir, 'points');

  it('is read at start', () => {
    writeFileSync(file, '20 1\n30 2\n');
    assert.deepEqual(readTempcompPoints(config(file)), [
      [20, 1],
      [30, 2],
    ]);
    assert.equal(readTempcompPoints(undefined), undefined);
  });

  it('ends the start when it is missing or wrong', () => {
    const coded = (e: unknown): boolean => e instanceof CodedError && e.code === 'ERR_TB_CONFIG_FILE';
    assert.throws(() => readTempcompPoints(config(join(dir, 'missing'))), coded);
    writeFileSync(file, '20 1\nwarm\n');
    assert.throws(() => readTempcompPoints(config(file)), coded);
  });
});
