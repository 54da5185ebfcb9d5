import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { KeyStream } from '../../../../../src/base/keystream.js';
import { toNtp64 } from '../../../../../src/base/ntp64.js';
import { add, addMono, fromUnix, type Instant, mono } from '../../../../../src/base/time.js';
import { SELECTION_DEFAULTS, SOURCE_DEFAULTS } from '../../../../../src/conf/defaults.js';
import type { NtpSourceOptions } from '../../../../../src/core/ntp/client/options.js';
import { type NtpOutput, NtpSources } from '../../../../../src/core/ntp/client/sources.js';
import { NO_SERVER } from '../../../../../src/core/ntp/state.js';
import { SourceSet } from '../../../../../src/core/sources/sourceset.js';
import { formatPacket, type NtpPacket, parsePacket } from '../../../../../src/wire/ntp/packet.js';

const BOOT = mono(1_000_000_000_000n);
const START = fromUnix(1_767_225_600);

class Rig {
  readonly outputs: NtpOutput[] = [];
  readonly facts: string[] = [];
  private readonly answered = new Set<NtpOutput>();
  readonly set = new SourceSet([], { ...SELECTION_DEFAULTS, authselectmode: 'mix' }, 1e-7, 1e-6);
  readonly ntp = new NtpSources({
    sources: this.set,
    random: new KeyStream([1]),
    refresh: 1000,
    output: (o) => this.outputs.push(o),
    fact: (f) => this.facts.push(f.text),
  });
  t = 0;

  get now() {
    return addMono(BOOT, this.t);
  }
  add(name: string, options: Partial<NtpSourceOptions> = {}) {
    return this.ntp.add({ ...SOURCE_DEFAULTS, name, ...options }, this.now);
  }
  get addresses(): string[] {
    return this.set.sourceReports(START).map((s) => s.address!);
  }
  get at() {
    return { mono: this.now, cook: (r: Instant) => r, precision: 1e-7, skew: 0, server: () => NO_SERVER };
  }
  get raw(): Instant {
    return add(START, this.t);
  }
  /** Lets time pass in steps of a second; nobody answers but `meanwhile`. */
  pass(seconds: number, meanwhile: () => void = () => {}): void {
    for (let i = 0; i < seconds; i++) {
      this.t++;
      this.ntp.due(this.at, this.raw);
      meanwhile();
    }
  }
  /** A server that is `ahead` s ahead answers what has been asked since. How many requests that were. */
  answer(address: string, ahead: number, change: Partial<NtpPacket> = {}): number {
    let count = 0;
    for (const output of this.outputs) {
      if (output.kind !== 'send' || output.address !== address || this.answered.has(output)) continue;
      this.answered.add(output);
      count++;
      this.ntp.sent(output.source, output.serial, this.raw, 'kernel', this.at);
      const q = parsePacket(output.bytes)!;
      const stamp = toNtp64(add(this.raw, 5e-4 + ahead));
      const reply = {
        ...q,
        mode: 4,
        stratum: 1,
        precisionLog2: -20,
        origin: q.transmit,
        receive: stamp,
        transmit: stamp,
        ...change,
      };
      const received = this.ntp.received(
        output.source,
        formatPacket(reply),
        add(this.raw, 1e-3),
        'kernel',
        false,
        '192.0.2.200',
        this.at,
      );
      if (received?.sample !== undefined) this.set.accumulate(output.source, received.sample);
    }
    return count;
  }
  count(kind: NtpOutput['kind']): number {
    return this.outputs.filter((o) => o.kind === kind).length;
  }
}

describe('NTP sources', () => {
  it('asks each of many in its turn, and at once who is to be asked sooner', () => {
    const rig = new Rig();
    for (let i = 0; i < 100; i++) rig.add(`192.0.2.${i}`, { minpoll: 6, maxpoll: 6 });
    rig.add('198.51.100.1', { minpoll: 3, maxpoll: 3 });
    rig.pass(640);
    const asked = (address: string): number =>
      rig.outputs.filter((o) => o.kind === 'send' && o.address === address).length;
    const counts = Array.from({ length: 100 }, (_, i) => asked(`192.0.2.${i}`));
    assert.ok(Math.min(...counts) >= 9 && Math.max(...counts) <= 10, `${counts}`);
    assert.ok(asked('198.51.100.1') >= 70, `${asked('198.51.100.1')}`);
    const before = asked('192.0.2.50');
    rig.ntp.burst(4, 4, (address) => typeof address !== 'number' && address[3] === 50, rig.now);
    rig.pass(20);
    assert.ok(asked('192.0.2.50') >= before + 4);
    rig.ntp.setOnline(false, () => true, rig.now);
    const sent = rig.outputs.length;
    rig.pass(100);
    assert.equal(rig.outputs.length, sent);
    assert.equal(rig.ntp.next(), undefined);
    rig.ntp.setOnline(true, () => true, rig.now);
    rig.pass(70);
    assert.ok(rig.outputs.length >= sent + 101);
  });

  it('of a crowd several are asked each time, none more often in the long run; of a few each in its own time', () => {
    const wakes = (count: number): { perWake: number; perSource: number; firstTwo: number } => {
      const rig = new Rig();
      for (let i = 0; i < count; i++) rig.add(`198.18.${i >> 8}.${i & 255}`, { minpoll: 6, maxpoll: 6 });
      const first = new Map<string, number>();
      const second = new Map<string, number>();
      let times = 0;
      while (rig.t < 3200) {
        rig.t = Number(rig.ntp.next()! - BOOT) / 1e9 + 1e-6;
        const before = rig.outputs.length;
        rig.ntp.due(rig.at, rig.raw);
        if (rig.outputs.length > before) times++;
        for (const o of rig.outputs.slice(before)) {
          if (o.kind !== 'send') continue;
          if (!first.has(o.address)) first.set(o.address, rig.t);
          else if (!second.has(o.address)) second.set(o.address, rig.t);
        }
      }
      const firstTwo = Math.min(...[...first].map(([address, t]) => second.get(address)! - t));
      const requests = rig.count('send');
      return { perWake: requests / times, perSource: requests / count, firstTwo };
    };
    const crowd = wakes(400);
    assert.ok(crowd.perWake > 3, `${crowd.perWake}`);
    assert.ok(Math.abs(crowd.perSource - 50) < 1, `${crowd.perSource}`);
    assert.ok(crowd.firstTwo > 64 * 0.97, `${crowd.firstTwo}`);
    const few = wakes(10);
    assert.ok(few.perWake < 1.01, `${few.perWake}`);
    assert.ok(Math.abs(few.perSource - 50) < 1, `${few.perSource}`);
  });

  it('an address is a source at once, a name when it is resolved', () => {
    const rig = new Rig();
    assert.equal(rig.add('192.0.2.1'), 'done');
    assert.equal(rig.add('ntp.example'), 'done');
    assert.deepEqual(rig.addresses, ['192.0.2.1']);
    assert.equal(rig.ntp.activity().unresolved, 1);
    assert.deepEqual(
      rig.ntp.unresolved().map(({ id, name, mode }) => [id, name, mode]),
      [[1, 'ntp.example', 'client']],
    );
    rig.ntp.resolved('ntp.example', ['2001:db8::1', '192.0.2.2'], rig.now);
    assert.deepEqual(rig.addresses, ['192.0.2.1', '2001:db8::1']);
    assert.equal(rig.ntp.nameOf('2001:db8::1'), 'ntp.example');
    assert.equal(rig.ntp.activity().unresolved, 0);
  });

  it('what is ordered for a name without an address is done when it has one', () => {
    const rig = new Rig();
    rig.add('a.example');
    const place = 'ID#0000000001';
    const [only] = rig.ntp.unresolved();
    assert.equal(
      rig.ntp.setOnline(false, (a) => a === only!.id, rig.now),
      'done',
    );
    assert.equal(
      rig.ntp.setOnline(false, (a) => a === 99, rig.now),
      'no-such-source',
    );
    assert.equal(rig.ntp.change(place, { minpoll: 8, polltarget: 30 }), 'done');
    assert.equal(rig.ntp.change('ID#0000000002', { minpoll: 8 }), 'no-such-source');
    assert.equal(rig.ntp.selectAt(place, { prefer: true }), true);
    assert.equal(rig.ntp.selectAt(place, { prefer: true }), false);
    assert.equal(rig.ntp.selectAt('ID#0000000002', { prefer: true }), undefined);
    assert.equal(rig.ntp.unheard(place)?.remoteAddress, place);
    const [told] = rig.ntp.unresolved();
    assert.deepEqual([told!.pollLog2, told!.online, told!.configured.prefer], [8, false, true]);
    assert.deepEqual(rig.ntp.activity(), { online: 0, offline: 0, burstOnline: 0, burstOffline: 0, unresolved: 1 });
    rig.ntp.resolved('a.example', ['192.0.2.1'], rig.now);
    assert.equal(rig.ntp.activity().offline, 1);
    assert.equal(rig.ntp.onlineAddresses().size, 0);
  });

  it('of a pool each place is its own, and may be deleted', () => {
    const rig = new Rig();
    rig.add('pool.example', { kind: 'pool', maxsources: 2 });
    rig.ntp.setOnline(false, (a) => a === 2, rig.now);
    assert.equal(rig.ntp.remove('ID#0000000004'), 'done');
    assert.equal(rig.ntp.remove('ID#0000000004'), 'no-such-source');
    rig.ntp.resolved('pool.example', ['192.0.2.1', '192.0.2.2', '192.0.2.3', '192.0.2.4'], rig.now);
    assert.deepEqual(rig.addresses, ['192.0.2.1', '192.0.2.2', '192.0.2.3']);
    assert.deepEqual([...rig.ntp.onlineAddresses()], ['192.0.2.1', '192.0.2.3']);
  });

  it('two sources of one name take different addresses; the younger one is removed first', () => {
    const rig = new Rig();
    rig.add('a.example');
    assert.equal(rig.add('a.example', { minpoll: 8 }), 'done');
    rig.ntp.resolved('a.example', ['192.0.2.1', '192.0.2.2'], rig.now);
    assert.deepEqual(rig.addresses, ['192.0.2.1', '192.0.2.2']);
    rig.ntp.remove('a.example');
    assert.deepEqual(rig.addresses, ['192.0.2.1']);
  });

  it('nothing is there twice', () => {
    const rig = new Rig();
    rig.add('192.0.2.1');
    assert.equal(rig.add('192.0.2.1'), 'exists');
    rig.add('a.example');
    rig.add('a.example');
    rig.ntp.resolved('a.example', ['192.0.2.1'], rig.now);
    assert.deepEqual(rig.addresses, ['192.0.2.1']);
  });

  it('a name that cannot be resolved is asked for again, less and less often', () => {
    const rig = new Rig();
    rig.add('gone.example');
    for (let i = 0; i < 3600; i++) {
      rig.pass(1);
      rig.ntp.resolved('gone.example', [], rig.now);
    }
    const asked = rig.count('resolve');
    assert.ok(asked >= 8 && asked <= 14, `${asked}`);
  });

  it('answers that nobody asked for change nothing', () => {
    const rig = new Rig();
    rig.add('a.example');
    rig.ntp.resolved('b.example', ['192.0.2.9'], rig.now);
    rig.ntp.resolved('a.example', ['192.0.2.1'], rig.now);
    rig.ntp.resolved('a.example', ['192.0.2.2'], rig.now);
    assert.deepEqual(rig.addresses, ['192.0.2.1']);
  });

  it('a pool asks twice as many addresses as wanted, of the family asked for; the first to answer stay', () => {
    const rig = new Rig();
    rig.add('pool.example', { kind: 'pool', maxsources: 3, family: 4 });
    assert.equal(rig.ntp.activity().unresolved, 6);
    rig.ntp.resolved('pool.example', ['2001:db8::1', ...[1, 2, 3, 4, 5].map((i) => `192.0.2.${i}`)], rig.now);
    assert.deepEqual(
      rig.addresses,
      [1, 2, 3, 4, 5].map((i) => `192.0.2.${i}`),
    );
    assert.equal(rig.ntp.activity().unresolved, 1);
    // The second one does not answer; the third of those that do is the last one wanted.
    rig.pass(1);
    for (const address of ['192.0.2.1', '192.0.2.3', '192.0.2.5', '192.0.2.4']) rig.answer(address, 0);
    assert.deepEqual(rig.addresses, ['192.0.2.1', '192.0.2.3', '192.0.2.5']);
    assert.equal(rig.ntp.activity().unresolved, 0);
  });

  it('a source of a pool that does not answer is replaced, one that was given by address is not', () => {
    const rig = new Rig();
    rig.add('192.0.2.77', { minpoll: 4, maxpoll: 4 });
    rig.add('pool.example', { kind: 'pool', maxsources: 1, minpoll: 4, maxpoll: 4 });
    rig.ntp.resolved('pool.example', ['192.0.2.1'], rig.now);
    const before = rig.count('resolve');
    rig.pass(700);
    assert.ok(rig.count('resolve') > before);
    rig.ntp.resolved('pool.example', ['192.0.2.1', '192.0.2.2'], rig.now);
    assert.deepEqual(rig.addresses, ['192.0.2.77', '192.0.2.2']);
    assert.match(rig.facts.join(), /Source 192\.0\.2\.1 replaced with 192\.0\.2\.2/);
    assert.equal(rig.count('close'), 1);
  });

  it('a source of a pool that lies is replaced; one that is a little off is not', () => {
    for (const [ahead, replaced] of [
      [0.5, true],
      [0, false],
    ] as const) {
      const rig = new Rig();
      rig.add('pool.example', { kind: 'pool', maxsources: 3, minpoll: 4, maxpoll: 4 });
      const [liar, ...honest] = ['192.0.2.1', '192.0.2.2', '192.0.2.3'];
      rig.ntp.resolved('pool.example', [liar!, ...honest], rig.now);
      for (let i = 0; i < 50; i++) {
        rig.pass(16, () => {
          rig.answer(liar!, ahead);
          for (const address of honest) rig.answer(address, 0);
        });
        rig.set.select(add(START, rig.t));
        rig.ntp.resolved('pool.example', [liar!, ...honest, '192.0.2.4'], rig.now);
      }
      assert.equal(rig.addresses.includes('192.0.2.4'), replaced);
      assert.equal(rig.addresses.includes(liar!), !replaced);
      assert.ok(honest.every((address) => rig.addresses.includes(address)));
    }
  });

  it('a server that has lost its own reference is as good as silent', () => {
    const rig = new Rig();
    rig.add('192.0.2.1', { minpoll: 4, maxpoll: 4 });
    const reach = (): number => rig.set.sourceReports(START)[0]!.reach;
    rig.pass(200, () => rig.answer('192.0.2.1', 0));
    assert.equal(reach(), 0xff);
    rig.pass(40, () => rig.answer('192.0.2.1', 0, { leap: 3, stratum: 0 }));
    assert.ok(reach() !== 0 && (reach() & 1) === 0);
    rig.pass(200, () => rig.answer('192.0.2.1', 0, { leap: 3, stratum: 0 }));
    assert.equal(reach(), 0);
  });

  it('names are resolved again after the refresh interval, not before', () => {
    const rig = new Rig();
    rig.add('a.example');
    rig.ntp.resolved('a.example', ['192.0.2.1'], rig.now);
    const asked = () => rig.outputs.filter((o) => o.kind === 'resolve').length;
    rig.pass(500);
    assert.equal(asked(), 1);
    rig.pass(600);
    assert.equal(asked(), 2);
  });

  it('refresh moves a server whose name stands for another address now', () => {
    const rig = new Rig();
    rig.add('a.example');
    rig.ntp.resolved('a.example', ['192.0.2.1'], rig.now);
    rig.ntp.refresh();
    rig.ntp.resolved('a.example', ['192.0.2.2'], rig.now);
    assert.deepEqual(rig.addresses, ['192.0.2.2']);
  });

  it('refresh leaves what a pool no longer tells; a pool that tells others in between does not matter', () => {
    const rig = new Rig();
    rig.add('pool.example', { kind: 'pool', maxsources: 2, minpoll: 4, maxpoll: 4 });
    rig.ntp.resolved('pool.example', ['192.0.2.1', '192.0.2.2'], rig.now);
    rig.pass(10, () => {
      for (const address of rig.addresses) rig.answer(address, 0);
      rig.ntp.resolved('pool.example', ['192.0.2.3', '192.0.2.4'], rig.now);
    });
    assert.deepEqual(rig.addresses, ['192.0.2.1', '192.0.2.2']);
    rig.ntp.refresh();
    rig.ntp.resolved('pool.example', ['192.0.2.2', '192.0.2.5'], rig.now);
    assert.deepEqual(rig.addresses, ['192.0.2.2', '192.0.2.5']);
    // No answer is no news.
    rig.ntp.refresh();
    rig.ntp.resolved('pool.example', [], rig.now);
    assert.deepEqual(rig.addresses, ['192.0.2.2', '192.0.2.5']);
  });

  it('sources go by address or by name', () => {
    const rig = new Rig();
    rig.add('192.0.2.1');
    rig.add('pool.example', { kind: 'pool' });
    rig.ntp.resolved('pool.example', ['192.0.2.2', '192.0.2.3'], rig.now);
    assert.equal(rig.ntp.remove('192.0.2.9'), 'no-such-source');
    assert.equal(rig.ntp.remove('192.0.2.2'), 'done');
    assert.deepEqual(rig.addresses, ['192.0.2.1', '192.0.2.3']);
    assert.equal(rig.ntp.remove('pool.example'), 'done');
    assert.deepEqual(rig.addresses, ['192.0.2.1']);
  });

  it('authselectmode mix: sources with keys are trusted and required beside others, and only then', () => {
    const rig = new Rig();
    rig.add('192.0.2.1', { key: 1 });
    const effective = () => rig.set.selectReports(START).map((s) => [s.effective.trust, s.effective.require]);
    assert.deepEqual(effective(), [[false, false]]);
    rig.add('192.0.2.2');
    assert.deepEqual(effective(), [
      [true, true],
      [false, false],
    ]);
    rig.ntp.remove('192.0.2.2');
    assert.deepEqual(effective(), [[false, false]]);
  });

  it('a thousand of them do not all ask at once', () => {
    const rig = new Rig();
    for (let i = 0; i < 1000; i++) rig.add(`10.0.${i >> 8}.${i & 255}`);
    rig.pass(1);
    assert.ok(rig.count('send') < 100, `${rig.count('send')}`);
    rig.pass(40);
    assert.ok(rig.count('send') >= 1000);
  });
});
