import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Prng } from '../../../src/base/prng.js';
import type { Seconds } from '../../../src/base/units.js';
import { SOURCE_DEFAULTS } from '../../../src/conf/defaults.js';
import { worldConfig } from '../../../src/sim/engineconfig.js';
import { type ServerModel, SimServers, serverModel } from '../../../src/sim/net/servers.js';
import { ModelOscillator } from '../../../src/sim/oscillator.js';
import { BOARD, ORDINARY_DAY } from '../../../src/sim/scenario.js';
import { World } from '../../../src/sim/world.js';

const ADDRESSES = ['192.0.2.1', '192.0.2.2', '192.0.2.3'] as const;

interface Setting {
  readonly servers?: readonly ServerModel[];
  readonly offset?: Seconds;
  readonly conf: readonly string[];
  readonly control?: boolean;
  readonly names?: ReadonlyMap<string, readonly string[]>;
  /** Name servers that never answer. */
  readonly deaf?: boolean;
}

/** A daemon in virtual time, what it says and when, and what it asks. */
class Bench {
  readonly said: string[] = [];
  readonly at = new Map<string, number>();
  readonly asked: { t: number; address: string; bytes: Uint8Array }[] = [];
  readonly servers: SimServers;
  readonly world: World;

  constructor({ servers, offset = 0, conf, control = true, names, deaf = false }: Setting) {
    const models = servers ?? ADDRESSES.map((a) => serverModel(a));
    this.servers = new SimServers(models, new Prng(1), ORDINARY_DAY, new Map(names));
    if (deaf) this.servers.resolve = () => undefined;
    const spec = {
      seed: 1,
      start: ORDINARY_DAY,
      initialOffset: offset,
      engine: worldConfig(conf, control),
      oscillator: new ModelOscillator(BOARD, new Prng(2)),
      twins: [],
      upstream: this.servers,
    };
    this.world = new World(spec, [
      {
        after: (_event, _now, effects, world) => {
          for (const e of effects) {
            if (e.kind === 'ntp-send') this.asked.push({ t: world.t, address: e.address, bytes: e.bytes });
            if (e.kind !== 'fact') continue;
            this.said.push(e.fact.text);
            this.at.set(e.fact.text, world.t);
          }
        },
      },
    ]);
  }

  run(until: number): this {
    this.world.run(until);
    return this;
  }

  /** The line that begins so, and when it was said. */
  line(start: string): { readonly text: string; readonly t: number } | undefined {
    const text = this.said.find((line) => line.startsWith(start));
    return text === undefined ? undefined : { text, t: this.at.get(text)! };
  }
}

const INITIAL = "System's initial offset :";

describe('initstepslew', () => {
  it('steps a clock that is off by the threshold, then normal operation begins', () => {
    const b = new Bench({ offset: -5, conf: ['initstepslew 1 192.0.2.1', 'server 192.0.2.2 iburst'] }).run(20);
    const initial = b.line(INITIAL)!;
    assert.match(initial.text, /^System's initial offset : (5\.000|4\.999)\d{3} seconds slow of true \(step\)$/);
    assert.ok(initial.t > 3 && initial.t < 5, `at ${initial.t}`);
    assert.ok(Math.abs(b.world.rawError()) < 1e-3, 'the kernel clock itself is right');
    const first = b.asked.find((r) => r.address === '192.0.2.2')!;
    assert.ok(first.t >= initial.t + 2 && first.t < initial.t + 2.5, `${first.t}`);
    assert.equal(b.asked.filter((r) => r.address === '192.0.2.1').length, 3);
    assert.equal(b.line('Selected source')!.text, 'Selected source 192.0.2.2');
  });

  it('slews what is less', () => {
    const b = new Bench({ offset: 0.25, conf: ['initstepslew 1 192.0.2.1'] }).run(5);
    assert.match(b.line(INITIAL)!.text, /0\.2\d{5} seconds fast of true \(slew\)$/);
    assert.ok(Math.abs(b.world.servedError()!) < 1e-3, 'served time is right at once');
    assert.ok(Math.abs(b.world.rawError()) > 0.1, 'the kernel clock is on its way');
  });

  it('does not wait for who is not there, and goes on without anybody after ten seconds', () => {
    const dead = serverModel('192.0.2.9', { silent: true });
    const conf = ['initstepslew 1 192.0.2.9 192.0.2.1'];
    const one = new Bench({ offset: -5, servers: [dead, serverModel('192.0.2.1')], conf }).run(20);
    assert.ok(one.line(INITIAL)!.t < 5);
    const none = new Bench({ servers: [dead], offset: -5, conf: ['initstepslew 1 192.0.2.9'] }).run(30);
    const failed = none.line('No suitable source for initstepslew')!;
    assert.ok(failed.t > 8 && failed.t < 12, `at ${failed.t}`);
    assert.ok(Math.abs(none.world.rawError() + 5) < 1e-3, 'nothing is changed');
  });

  it('believes the majority', () => {
    const servers = ADDRESSES.map((a, i) => serverModel(a, { offset: i === 0 ? 7 : 0 }));
    const b = new Bench({ servers, offset: -5, conf: [`initstepslew 1 ${ADDRESSES.join(' ')}`] }).run(20);
    assert.match(b.line(INITIAL)!.text, /(5\.000|4\.999)\d{3} seconds slow/);
    assert.ok(b.line('Detected falseticker 192.0.2.1'), b.said.join('\n'));
  });

  it('takes names, says which cannot be resolved, and does not wait for name servers for ever', () => {
    const names = new Map([['a.example', ['192.0.2.1']]]);
    const b = new Bench({ offset: -5, names, conf: ['initstepslew 1 a.example nosuch.example'] }).run(20);
    const unknown = 'Could not resolve address of initstepslew server nosuch.example';
    assert.equal(b.said.filter((line) => line === unknown).length, 1);
    assert.ok(b.line(INITIAL)!.t < 5);
    const deaf = new Bench({ deaf: true, conf: ['initstepslew 1 a.example', 'server 192.0.2.1 iburst'] }).run(60);
    assert.ok(deaf.asked[0]!.t > 30 && deaf.asked[0]!.t < 34, `${deaf.asked[0]!.t}`);
  });

  it('says that it may not step, under -x, and serves right time all the same', () => {
    const b = new Bench({ offset: -5, control: false, conf: ['initstepslew 1 192.0.2.1'] }).run(20);
    assert.ok(b.line('Could not step system clock'));
    assert.ok(Math.abs(b.world.servedError()!) < 1e-3);
  });

  it('sources that are added meanwhile wait, and a step by another program spoils nothing', () => {
    const b = new Bench({ offset: -5, conf: ['initstepslew 1 192.0.2.1'] }).run(3);
    const options = { ...SOURCE_DEFAULTS, name: '192.0.2.3', iburst: true };
    b.world.post({ kind: 'command', command: { name: 'add-ntp-source', options } });
    b.world.foreignStep(100);
    b.run(30);
    assert.match(b.line(INITIAL)!.text, /(5\.000|4\.999)\d{3} seconds slow of true \(step\)$/);
    assert.ok(b.asked.filter((r) => r.address === '192.0.2.3').every((r) => r.t >= b.line(INITIAL)!.t + 2));
    assert.ok(Math.abs(b.world.rawError()) < 1e-3);
  });

  it('what servers must not guess is never sent twice', () => {
    const b = new Bench({ conf: ['initstepslew 1 192.0.2.1', 'server 192.0.2.1 iburst'] }).run(60);
    const stamps = b.asked.map(({ bytes }) => Buffer.from(bytes.subarray(40, 48)).toString('hex'));
    assert.ok(stamps.length > 6);
    assert.equal(new Set(stamps).size, stamps.length);
  });

  it('negative control: without the directive the clock is slewed, and the servers are asked at once', () => {
    const b = new Bench({ offset: -5, conf: ['server 192.0.2.1 iburst'] }).run(10);
    assert.equal(b.line(INITIAL), undefined);
    assert.ok(Math.abs(b.world.rawError()) > 1);
    assert.ok(b.asked[0]!.t < 1);
  });

  it('negative control: without hosts it does nothing', () => {
    const b = new Bench({ conf: ['initstepslew 1', 'server 192.0.2.1 iburst'] }).run(3);
    assert.ok(b.asked[0]!.t < 1);
  });
});
