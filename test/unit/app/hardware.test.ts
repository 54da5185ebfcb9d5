import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { HardwareStamping } from '../../../src/app/daemon/hardware.js';
import { instant } from '../../../src/base/time.js';
import type { HwTimestampConfig } from '../../../src/conf/config.js';
import { HwTableReader } from '../../../src/core/hwclock/table.js';
import type { Native, NativeStampProvider } from '../../../src/devices/native.js';
import { FILTER } from '../../../src/devices/nic.js';

const NS = 1_000_000_000n;
const START = 1_800_000_000n * NS;
/** The cards' clocks began with the machine, and are 20 ppm fast. */
const phcAt = (ms: number): bigint => BigInt(Math.round(ms * 1e6 * (1 + 20e-6)));

/** The clock of a PHY, ahead of all others. */
const PHY = { index: 9, ahead: 5n * NS };

interface FakeCard {
  name: string;
  index: number;
  up: boolean;
  phcIndex: number;
  rxFilters: number;
  told: { txType: number; rxFilter: number };
  providers?: NativeStampProvider[];
}

const newCard = (name: string, index: number, more: Partial<FakeCard> = {}): FakeCard => ({
  name,
  index,
  up: true,
  phcIndex: index,
  rxFilters: 0b11,
  told: { txType: 0, rxFilter: 0 },
  ...more,
});

const options = (name: string, more: Partial<HwTimestampConfig> = {}): HwTimestampConfig => ({
  name,
  minpoll: 0,
  maxpoll: 1,
  minsamples: 2,
  maxsamples: 16,
  precision: 100e-9,
  txcomp: 0,
  rxcomp: 0,
  nocrossts: false,
  rxfilter: undefined,
  provider: [],
  ...more,
});

/** A host with cards, in virtual time. */
class Host {
  ms = 0;
  readonly cards: FakeCard[] = [];
  readonly said: string[] = [];
  /** ns that the cards' clocks, and the system clock, have been moved by. */
  jump = 0n;
  stepped = 0n;
  broken: string | undefined;
  opened = 0;
  private readonly stamping: HardwareStamping;

  constructor(
    private readonly t: TestContext,
    ...hwtimestamp: HwTimestampConfig[]
  ) {
    t.mock.timers.enable({ apis: ['setInterval', 'setTimeout'] });
    const config = { hwtimestamp, hwtstimeout: 0.001 };
    this.stamping = new HardwareStamping({
      config,
      native: this.native(),
      say: (severity, _, text) => this.said.push(`${severity} ${text}`),
      now: () => this.ms,
    });
    t.after(() => this.stamping.stop());
  }

  open(): HardwareStamping {
    this.stamping.open();
    return this.stamping;
  }

  pass(ms: number): void {
    for (let i = 0; i < ms; i += 10) {
      this.ms += 10;
      this.t.mock.timers.tick(10);
    }
  }

  get system(): bigint {
    return START + BigInt(this.ms) * 1_000_000n + this.stepped;
  }

  /** ns by which a stamp of now is translated wrongly; undefined: it is not. */
  error(ifindex: number): number | undefined {
    const stamp = { time: phcAt(this.ms) + this.jump, interface: ifindex, length: 0 };
    const time = this.stamping.sent(stamp, instant(this.system));
    return time === undefined ? undefined : Number(time - this.system);
  }

  private find(name: string): FakeCard {
    const card = this.cards.find((c) => c.name === name);
    if (card === undefined) throw Object.assign(new Error('No such device'), { code: 'ENODEV' });
    return card;
  }

  private native(): Native {
    const host = this;
    class Phc {
      constructor(readonly path: string) {
        if (host.broken !== undefined) throw Object.assign(new Error(host.broken), { code: host.broken });
        host.opened++;
      }
      capabilities(): { crossTimestamping: boolean } {
        return { crossTimestamping: true };
      }
      offsetPrecise(): { before: bigint; phc: bigint; after: bigint } {
        if (host.broken !== undefined) throw Object.assign(new Error(host.broken), { code: host.broken });
        return {
          before: host.system,
          phc: phcAt(host.ms) + host.jump + (this.path === `/dev/ptp${PHY.index}` ? PHY.ahead : 0n),
          after: host.system,
        };
      }
      close(): void {}
    }
    return {
      interfaces: () => [{ index: 1, name: 'lo' }, ...this.cards.map(({ index, name }) => ({ index, name }))],
      linkInfo: (name: string) => ({
        index: this.find(name).index,
        up: this.find(name).up,
        running: true,
        speedMbps: 1000,
      }),
      tsInfo: (name: string) => ({ flags: 1 | 4 | 64, txTypes: 3, ...this.find(name) }),
      stampProviders: (name: string) => this.find(name).providers ?? [],
      setStampProvider: (name: string, phc: number, qualifier: number, txType: number, rxFilter: number) => {
        const card = this.find(name);
        for (const p of card.providers ?? []) p.inForce = p.phcIndex === phc && p.qualifier === qualifier;
        card.phcIndex = phc;
        card.told = { txType, rxFilter };
        return card.told;
      },
      stampConfig: (name: string) => this.find(name).told,
      setStampConfig: (name: string, txType: number, rxFilter: number) => {
        const told = { txType, rxFilter };
        this.find(name).told = told;
        return told;
      },
      Phc,
    } as unknown as Native;
  }
}

describe('network cards that stamp', () => {
  it('are told to at the start; their stamps are translated within the second', (t) => {
    const host = new Host(t, options('eth0'));
    const eth0 = newCard('eth0', 3);
    host.cards.push(eth0, newCard('eth1', 4));
    host.open();
    assert.deepEqual(host.said, ['info Enabled HW timestamping on eth0']);
    assert.deepEqual(eth0.told, { txType: 1, rxFilter: FILTER.ALL });
    assert.equal(host.error(3), undefined, 'one reading is none');
    host.pass(100);
    assert.ok(Math.abs(host.error(3)!) < 50);
    host.pass(60_000);
    assert.ok(Math.abs(host.error(3)!) <= 2);
    assert.equal(host.error(4), undefined);
  });

  it('one that is named and cannot ends the daemon', (t) => {
    const host = new Host(t, options('eth0'));
    host.cards.push(newCard('eth0', 3, { phcIndex: -1 }));
    assert.throws(() => host.open(), {
      code: 'ERR_TB_DEVICE_UNSUPPORTED',
      message: /^Could not enable HW timestamping on eth0 : /,
    });
  });

  it('patterns take all that can, those that come later, too', (t) => {
    const host = new Host(t, options('eno*'), options('eth9', { rxfilter: 'ntp' }));
    host.cards.push(newCard('eno1', 3), newCard('eno2', 4, { phcIndex: -1 }), newCard('eth0', 5));
    host.cards.push(newCard('eth9', 9, { rxFilters: 1 << FILTER.NTP_ALL }));
    host.open();
    host.cards.push(newCard('eno3', 6, { rxFilters: 1 }));
    host.pass(5000);
    assert.deepEqual(host.said, [
      'info Enabled HW timestamping on eth9',
      'info Enabled HW timestamping on eno1',
      'info Enabled HW timestamping (TX only) on eno3',
    ]);
  });

  it('that have several providers of stamps: the clock is that of the one in use, also when others change that', (t) => {
    const host = new Host(t, options('eth0'));
    const facts = { flags: 1 | 4 | 64, txTypes: 3, rxFilters: 0b11 };
    const mac = { ...facts, phcIndex: 3, qualifier: 0, source: 1, phyIndex: -1, inForce: true };
    const phy = { ...mac, phcIndex: PHY.index, source: 2, phyIndex: 1, inForce: false };
    const eth0 = newCard('eth0', 3, { providers: [mac, phy] });
    host.cards.push(eth0);
    host.open();
    host.pass(5000);
    assert.ok(Math.abs(host.error(3)!) <= 2);
    // The MAC stamps no more what is received.
    eth0.providers = [{ ...mac, txTypes: 1 }, phy];
    host.pass(2000);
    assert.equal(host.error(3), undefined, 'a stamp of the clock before');
    host.pass(2000);
    host.jump = PHY.ahead;
    assert.ok(Math.abs(host.error(3)!) <= 2);
    host.jump = 0n;
    // Somebody else takes the other one, which can again.
    mac.inForce = true;
    phy.inForce = false;
    eth0.providers = [mac, phy];
    eth0.phcIndex = 3;
    host.pass(2000);
    assert.deepEqual([mac.inForce, phy.inForce], [false, true]);
    assert.deepEqual(
      host.said,
      ['ptp3 precise mac', ...Array(2).fill('ptp9 precise phy phy1')].map(
        (whose) => `info Enabled HW timestamping on eth0, provider ${whose}`,
      ),
    );
  });

  it('a provider that is asked for and is not there ends the daemon', (t) => {
    const host = new Host(t, options('eth0', { provider: ['phy'] }));
    host.cards.push(newCard('eth0', 3));
    assert.throws(() => host.open(), {
      code: 'ERR_TB_DEVICE_UNSUPPORTED',
      message:
        'Could not enable HW timestamping on eth0 : the kernel tells of no providers of its stamps (Linux 6.14 does)',
    });
  });

  it('are told again when they have forgotten; are found again under another name, or number', (t) => {
    const host = new Host(t, options('eth0'));
    const eth0 = newCard('eth0', 3);
    host.cards.push(eth0);
    host.open();
    eth0.told = { txType: 0, rxFilter: 0 };
    host.pass(2000);
    assert.equal(eth0.told.txType, 1);
    eth0.name = 'wan';
    eth0.told = { txType: 0, rxFilter: 0 };
    host.pass(2000);
    host.cards.length = 0;
    host.pass(4000);
    // The USB adapter comes back.
    host.cards.push(newCard('wan', 11, { phcIndex: 3 }));
    host.pass(4000);
    assert.deepEqual(
      host.said,
      ['eth0', 'eth0', 'wan', 'wan'].map((name) => `info Enabled HW timestamping on ${name}`),
    );
    assert.ok(Math.abs(host.error(11)!) <= 2);
    assert.equal(host.error(3), undefined);
  });

  it('what cannot be told again is said once', (t) => {
    const host = new Host(t, options('eth0'));
    const eth0 = newCard('eth0', 3);
    host.cards.push(eth0);
    host.open();
    eth0.phcIndex = -1;
    host.pass(10_000);
    eth0.phcIndex = 3;
    eth0.told = { txType: 0, rxFilter: 0 };
    host.pass(4000);
    assert.equal(host.said.length, 3);
    assert.match(host.said[1]!, /^error Could not enable HW timestamping on eth0 : /);
    assert.match(host.said[2]!, /^info Enabled/);
  });

  it('follow a step of the system clock at once; without being told stamps contradict the kernel', (t) => {
    for (const told of [true, false]) {
      t.mock.timers.reset();
      const host = new Host(t, options('eth0'));
      host.cards.push(newCard('eth0', 3));
      const stamping = host.open();
      host.pass(5000);
      host.stepped = NS / 4n;
      if (told) stamping.follow({ kind: 'tick' }, [{ kind: 'step-clock', offset: 0.25 }], instant(host.system));
      const error = host.error(3);
      if (told) assert.ok(Math.abs(error!) <= 2);
      else assert.equal(error, undefined);
      host.pass(3000);
      assert.ok(Math.abs(host.error(3)!) <= 2);
    }
  });

  it('a jump of the card’s clock is over after two readings', (t) => {
    const host = new Host(t, options('eth0'));
    host.cards.push(newCard('eth0', 3));
    host.open();
    host.pass(10_000);
    host.jump = 3n * NS;
    assert.equal(host.error(3), undefined);
    host.pass(2500);
    assert.ok(Math.abs(host.error(3)!) <= 50);
    assert.match(host.said.at(-1)!, /jumped/);
  });

  it('a busy clock is asked again, a removed one opened again; stamps that are too old are not used', (t) => {
    const host = new Host(t, options('eth0'));
    host.cards.push(newCard('eth0', 3));
    host.open();
    host.pass(5000);
    for (const code of ['EBUSY', 'ENODEV']) {
      const { opened } = host;
      host.broken = code;
      host.pass(6000);
      assert.ok(Math.abs(host.error(3)!) <= 50, 'for a while the line holds');
      host.pass(6000);
      assert.equal(host.error(3), undefined);
      host.broken = undefined;
      host.pass(4000);
      assert.ok(Math.abs(host.error(3)!) <= 50);
      assert.equal(host.opened - opened, code === 'EBUSY' ? 0 : 1);
    }
    assert.equal(host.said.filter((line) => line.startsWith('error')).length, 2, 'each is told once');
  });

  it('the packet plane sees the same', (t) => {
    const host = new Host(t, options('eth0', { txcomp: 1e-6 }));
    host.cards.push(newCard('eth0', 3));
    const reader = new HwTableReader(host.open().table);
    host.pass(3000);
    reader.refresh();
    const stamp = phcAt(host.ms);
    assert.ok(reader.transmits(3));
    assert.ok(reader.transmit(3, Number(stamp / NS), Number(stamp % NS)));
    const time = BigInt(reader.sec) * NS + BigInt(reader.nsec);
    assert.ok(Math.abs(Number(time - host.system) - 1000) <= 3);
  });

  it('are read rarely while nobody uses their stamps', (t) => {
    const host = new Host(t, options('eth0', { minpoll: -2, maxpoll: 4 }));
    host.cards.push(newCard('eth0', 3));
    const stamping = host.open();
    host.pass(2000);
    const reads = (ms: number, use: boolean): number => {
      let count = 0;
      const read = Object.getPrototypeOf(stamping).read as (clock: unknown) => void;
      const spied = stamping as unknown as { read: typeof read };
      spied.read = (clock) => {
        count++;
        read.call(stamping, clock);
      };
      for (let i = 0; i < ms; i += 100) {
        if (use) host.error(3);
        host.pass(100);
      }
      return count;
    };
    assert.ok(reads(32_000, false) <= 3);
    assert.ok(reads(8000, true) >= 28);
  });
});
