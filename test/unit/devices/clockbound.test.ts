import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { Worker } from 'node:worker_threads';
import { CodedError } from '../../../src/base/errors.js';
import { ClockBoundFile } from '../../../src/devices/clockbound.js';
import { type ClockBoundRecord, writingGeneration } from '../../../src/wire/clockbound.js';
import { intervalOf, readClockBound, withClockBound } from '../../support/clockbound.js';

const dir = mkdtempSync(join(tmpdir(), 'tb-clockbound-'));
after(() => rmSync(dir, { recursive: true, force: true }));

/** Every field tells the same number, so that a torn record shows. */
const record = (i: number): ClockBoundRecord => ({
  asOf: BigInt(i) * 1_000_000_001n,
  voidAfter: BigInt(i) * 1_000_000_002n,
  boundNs: BigInt(i),
  maxDriftPpb: i,
  status: i % 2 === 0 ? 'synchronised' : 'holdover',
});
/** Writes for so long, with pauses of 0 to some 30 µs so that readers find gaps of all sizes; returns how often. */
const hammer = (file: ClockBoundFile, ms: number): number => {
  const end = performance.now() + ms;
  let i = 0;
  while (performance.now() < end) {
    file.write(record(++i));
    for (let k = (i * 37) % 701; k > 0; k--) performance.now();
  }
  return i;
};

describe('devices/clockbound', () => {
  it('writes what the protocol page says, where it says', () => {
    const path = join(dir, 'sub', 'shm0');
    const file = new ClockBoundFile(path);
    assert.equal(withClockBound(path, readClockBound), undefined, 'nothing written yet');
    file.write({
      asOf: 5_000_000_007n,
      voidAfter: 1_005_000_000_007n,
      boundNs: 4600n,
      maxDriftPpb: 1000.2,
      status: 'holdover',
    });
    const seen = withClockBound(path, readClockBound)!;
    assert.deepEqual(seen, {
      generation: 2,
      asOf: 5_000_000_007n,
      voidAfter: 1_005_000_000_007n,
      boundNs: 4600n,
      marker: 0n,
      driftPpb: 1001,
      status: 2,
      disruption: 0,
    });
    assert.deepEqual([statSync(path).size, statSync(path).mode & 0o777], [80, 0o644]);
    assert.deepEqual(intervalOf(seen, 10n ** 18n, 7_000_000_007n), [10n ** 18n - 6602n, 10n ** 18n + 6602n]);
    file.close();
  });

  it('is taken over by the next start: same file, generation goes on, also after a death in mid-write', () => {
    const path = join(dir, 'again');
    const first = new ClockBoundFile(path);
    first.write(record(1));
    first.close();
    const inode = statSync(path).ino;
    const second = new ClockBoundFile(path);
    assert.equal(withClockBound(path, readClockBound)!.generation, 2);
    second.write(record(2));
    second.close();
    assert.deepEqual([withClockBound(path, readClockBound)!.generation, statSync(path).ino], [4, inode]);
    assert.equal(writingGeneration(5), 5);
  });

  it('does not touch other files', () => {
    const other = join(dir, 'notes.txt');
    writeFileSync(
      other,
      'something that somebody wants to keep, and that is longer than the header of such a file is.',
    );
    const link = join(dir, 'link');
    symlinkSync(join(dir, 'again'), link);
    for (const path of [other, link, dir]) {
      assert.throws(
        () => new ClockBoundFile(path),
        (e) => e instanceof CodedError && e.code === 'ERR_TB_SYSCALL',
      );
    }
    assert.equal(statSync(other).size, 92);
  });

  it('generations are odd, then even, never 0, and no half-written one looks finished by mistake', () => {
    const seen = new Set<number>();
    for (let even = 2, i = 0; i < 70_000; i++) {
      const odd = writingGeneration(even);
      assert.ok(odd % 2 === 1 && odd < 65_535);
      // The even one differs in its low byte alone; of the odd one either byte may be seen first.
      assert.equal((odd + 1) >> 8, odd >> 8);
      for (const torn of [(odd & 0xff) | (even & 0xff00), (even & 0xff) | (odd & 0xff00)]) assert.notEqual(torn, 0);
      even = odd + 1;
      assert.notEqual(even, 0);
      seen.add(even);
    }
    assert.ok(seen.size > 32_000);
  });

  it('a reader on another thread never gets a torn record', { timeout: 20_000 }, async () => {
    const path = join(dir, 'torn');
    const file = new ClockBoundFile(path);
    file.write(record(1));
    const stop = new Int32Array(new SharedArrayBuffer(8));
    const worker = new Worker(new URL('../../support/clockbound-reader.js', import.meta.url), {
      workerData: { path, stop },
    });
    await once(worker, 'online');
    const done = once(worker, 'message') as Promise<[{ reads: number; torn: number; changes: number }]>;
    let writes = 0;
    // Until the reader has surely run beside us.
    while (Atomics.load(stop, 1) < 200 && writes < 2_000_000) writes += hammer(file, 50);
    Atomics.store(stop, 0, 1);
    const [{ reads, torn, changes }] = await done;
    file.close();
    assert.equal(torn, 0, `${reads} reads, ${writes} writes`);
    assert.ok(changes > 20, `${changes} different records in ${reads} reads`);
  });

  it('neither does a client that maps the file', { timeout: 20_000 }, async (t) => {
    if (spawnSync('python3', ['--version']).status !== 0) return t.skip('python3 is not here');
    const path = join(dir, 'mapped');
    const file = new ClockBoundFile(path);
    file.write(record(1));
    const client = spawn('python3', ['-c', MAPPED], {
      stdio: ['pipe', 'pipe', 'inherit'],
      env: { ...process.env, SHM: path },
    });
    await once(client.stdout, 'data');
    const closed = once(client, 'close');
    let text = '';
    client.stdout.on('data', (piece: Buffer) => {
      text += piece.toString();
    });
    const writes = hammer(file, 700);
    client.stdin.end('\n');
    await closed;
    file.close();
    const [reads, torn, changes] = text.trim().split(' ').map(Number);
    assert.equal(torn, 0, `${reads} reads, ${writes} writes`);
    // On a busy machine the writer gets little of the time.
    assert.ok(changes! > 3, text);
  });
});

/** Reads its mapping until told to stop; says reads, torn records, different records. */
const MAPPED = `
import mmap, os, select, struct, sys
fd = os.open(os.environ['SHM'], os.O_RDONLY)
m = mmap.mmap(fd, 80, prot=mmap.PROT_READ)
print('ready', flush=True)
reads = torn = changes = last = 0
while not (reads % 1000 == 0 and select.select([0], [], [], 0)[0]):
    reads += 1
    g = struct.unpack_from('<H', m, 14)[0]
    if g == 0: torn += 1
    if g % 2: continue
    a, an, v, vn, b, mark, d, s = struct.unpack_from('<qqqqqQIi', m, 16)
    if struct.unpack_from('<H', m, 14)[0] != g: continue
    asof, void = a * 10**9 + an, v * 10**9 + vn
    if asof != b * 1000000001 or void != b * 1000000002 or d != b or s != (1 if b % 2 == 0 else 2): torn += 1
    if b != last: changes += 1
    last = b
print(reads, torn, changes, flush=True)
`;
