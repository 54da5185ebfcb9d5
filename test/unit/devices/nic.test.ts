import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Instant, instant } from '../../../src/base/time.js';
import {
  loadNative,
  type Native,
  type NativeHardwareStamp,
  type NativeStampProvider,
  type NativeTsInfo,
} from '../../../src/devices/native.js';
import {
  bestProvider,
  chooseFilter,
  enableStamping,
  FILTER,
  type RxFilter,
  type StampWish,
  whyNot,
} from '../../../src/devices/nic.js';
import { type ClientHardware, NtpClientDevice } from '../../../src/devices/ntpclient.js';
import { phcPath } from '../../../src/devices/phc.js';
import { nameOf } from '../../../src/devices/provider.js';
import { failsWith, misused } from '../../support/native.js';

const TX = 1;
const RX = 4;
const RAW = 64;
const I210: NativeTsInfo = { flags: TX | RX | RAW, phcIndex: 0, txTypes: 0b11, rxFilters: 0b11 };
const bits = (...filters: number[]): number => filters.reduce((mask, f) => mask | (1 << f), 1);

describe('what a network card is told to stamp', () => {
  it('a card needs transmit stamps, their raw reading and a clock', () => {
    assert.equal(whyNot(I210), undefined);
    for (const change of [{ flags: RX | RAW }, { flags: TX | RX }, { phcIndex: -1 }, { txTypes: 1 }]) {
      assert.ok(whyNot({ ...I210, ...change }) !== undefined);
    }
  });

  for (const [what, rxFilters, wanted, chosen] of [
    ['everything it can', bits(FILTER.ALL), undefined, FILTER.ALL],
    ['NTP, if it knows that', bits(FILTER.ALL, FILTER.NTP_ALL), undefined, FILTER.NTP_ALL],
    ['nothing that comes in, if it knows PTP only', bits(FILTER.PTP_V2_EVENT), undefined, FILTER.NONE],
    ['PTP when asked for', bits(FILTER.PTP_V2_EVENT), 'ptp', FILTER.PTP_V2_EVENT],
    ['PTP over UDP rather', bits(FILTER.PTP_V2_EVENT, FILTER.PTP_V2_L4_EVENT), 'ptp', FILTER.PTP_V2_L4_EVENT],
    ['nothing that comes in when asked for', bits(FILTER.ALL), 'none', FILTER.NONE],
    ['not something else than was asked for', bits(FILTER.ALL), 'ntp', undefined],
    ['not PTP where it does not know it', bits(FILTER.ALL), 'ptp', undefined],
  ] as const) {
    it(what, () => assert.equal(chooseFilter({ ...I210, rxFilters }, wanted), chosen));
  }

  it('without receive stamps no filter counts', () => {
    assert.equal(chooseFilter({ ...I210, flags: TX | RAW }, undefined), FILTER.NONE);
  });
});

const wish = (provider: string[] = [], rxfilter?: RxFilter): StampWish => ({ rxfilter, provider });

/** The calls of a card that is told `txType`, `rxFilter` now. */
const card = (info: NativeTsInfo, txType: number, rxFilter: number, refuse?: string) => {
  const told: number[][] = [];
  const native = {
    tsInfo: () => info,
    stampProviders: () => [],
    stampConfig: () => ({ txType, rxFilter }),
    setStampConfig: (_: string, tx: number, rx: number) => {
      if (refuse !== undefined) throw Object.assign(new Error(refuse), { code: refuse });
      told.push([tx, rx]);
      return { txType: tx, rxFilter: rx };
    },
  } as unknown as Native;
  return { native, told };
};

describe('telling it', () => {
  it('once; what is set already is left alone', () => {
    const off = card(I210, 0, 0);
    assert.equal(enableStamping(off.native, 'eth0', wish()).changed, true);
    assert.deepEqual(off.told, [[1, FILTER.ALL]]);
    const on = card(I210, 1, FILTER.ALL, 'EPERM');
    assert.deepEqual(enableStamping(on.native, 'eth0', wish()).changed, false);
  });

  it('a filter that somebody else has set stays where we have no use for one', () => {
    const ptpOnly = { ...I210, rxFilters: bits(FILTER.PTP_V2_EVENT) };
    const used = card(ptpOnly, 0, FILTER.PTP_V2_EVENT);
    assert.equal(enableStamping(used.native, 'eth0', wish()).txOnly, true);
    assert.deepEqual(used.told, [[1, FILTER.PTP_V2_EVENT]]);
  });

  it('what cannot be is a coded error with the reason', () => {
    for (const [c, wanted] of [
      [card({ ...I210, phcIndex: -1 }, 0, 0), undefined],
      [card(I210, 0, 0, 'EPERM'), undefined],
      [card(I210, 0, 0), 'ntp'],
    ] as const) {
      assert.throws(() => enableStamping(c.native, 'eth0', wish([], wanted)), { code: 'ERR_TB_DEVICE_UNSUPPORTED' });
    }
  });
});

const ALL = bits(FILTER.ALL);
const PTP = bits(FILTER.PTP_V2_EVENT);
/** ptpN, how exact, whose. */
const provider = (
  phcIndex: number,
  qualifier: number,
  source: number,
  more: Partial<NativeStampProvider> = {},
): NativeStampProvider => ({
  ...I210,
  ...{ phcIndex, qualifier, source, phyIndex: source === 2 ? 1 : -1, rxFilters: ALL, inForce: false },
  ...more,
});
const IN_FORCE = { inForce: true };

describe('whose stamps an interface takes', () => {
  for (const [what, all, words, chosen] of [
    [
      'what stamps all packets, though it is less exact',
      [provider(0, 0, 1, { rxFilters: PTP, ...IN_FORCE }), provider(1, 1, 2)],
      [],
      1,
    ],
    ['what is exact, though another is in force', [provider(0, 1, 1, IN_FORCE), provider(0, 0, 1)], [], 1],
    ['what is in force, of equals', [provider(0, 0, 1), provider(1, 0, 2, IN_FORCE)], [], 1],
    ['only what can stamp what is sent', [provider(0, 0, 1, { txTypes: 1, ...IN_FORCE }), provider(1, 1, 2)], [], 1],
    ['the one that is asked for', [provider(0, 0, 1, IN_FORCE), provider(1, 0, 2)], ['phy'], 1],
    ['by its number', [provider(0, 0, 1, IN_FORCE), provider(1, 0, 2)], ['phy1'], 1],
    ['by its clock', [provider(0, 0, 1, IN_FORCE), provider(11, 0, 2), provider(1, 0, 2)], ['ptp1'], 2],
    ['by several words', [provider(0, 0, 1, IN_FORCE), provider(0, 1, 1), provider(1, 1, 2)], ['mac', 'approx'], 1],
    ['nothing else than was asked for', [provider(0, 0, 1, IN_FORCE)], ['phy'], -1],
    ['not what was asked for and cannot', [provider(0, 0, 1, { txTypes: 1 })], ['mac'], -1],
    ['neither, when the kernel does not tell', [provider(0, 0, 0, IN_FORCE)], ['mac'], -1],
    ['nothing when there is nothing', [], [], -1],
  ] as const) {
    it(what, () => {
      const best = bestProvider(all, wish([...words]));
      assert.equal(
        all.findIndex((p) => Object.is(p, best)),
        chosen,
      );
    });
  }

  it('stays the one that we have, while it is of use', () => {
    const [mac, phy] = [provider(0, 0, 1), provider(1, 1, 2)];
    assert.equal(bestProvider([mac, phy], wish(), phy), phy);
    assert.equal(bestProvider([mac, { ...phy, txTypes: 1 }], wish(), phy), mac);
    assert.equal(bestProvider([mac], wish(), phy), mac);
  });

  it('is called by what the kernel tells', () => {
    assert.deepEqual(
      [provider(0, 0, 1), provider(1, 1, 2), provider(2, 0, 0), provider(3, 7, 2, { phyIndex: -1 })].map(nameOf),
      ['ptp0 precise mac', 'ptp1 approx phy phy1', 'ptp2 precise', 'ptp3 qualifier-7 phy'],
    );
  });
});

/** An interface of a kernel that tells of providers; `refuse`: what it answers to who chooses one. */
const several = (all: NativeStampProvider[], refuse?: string) => {
  const asked: number[][] = [];
  let told = { txType: 0, rxFilter: 0 };
  const set = (txType: number, rxFilter: number) => {
    told = { txType, rxFilter };
    return told;
  };
  const native = {
    tsInfo: () => all.find((p) => p.inForce),
    stampProviders: () => all.map((p) => ({ ...p })),
    stampConfig: () => told,
    setStampConfig: (_: string, tx: number, rx: number) => set(tx, rx),
    setStampProvider: (_: string, phc: number, qualifier: number, tx: number, rx: number) => {
      asked.push([phc, qualifier, tx, rx]);
      if (refuse !== undefined) throw Object.assign(new Error(refuse), { code: refuse });
      for (const p of all) p.inForce = p.phcIndex === phc && p.qualifier === qualifier;
      return set(tx, rx);
    },
  } as unknown as Native;
  return { native, asked };
};

describe('telling a kernel whose stamps it is to take', () => {
  const both = (): NativeStampProvider[] => [provider(0, 1, 1, IN_FORCE), provider(2, 0, 2)];

  it('once; its clock is the one that is read', () => {
    const { native, asked } = several(both());
    const first = enableStamping(native, 'eth0', wish());
    assert.deepEqual([first.phcIndex, first.choice, first.changed], [2, true, true]);
    assert.deepEqual(asked, [[2, 0, 1, FILTER.ALL]]);
    const again = enableStamping(native, 'eth0', wish(), first.provider);
    assert.deepEqual([again.phcIndex, again.changed, asked.length], [2, false, 1]);
  });

  it('one alone, or the one in force, is told as ever', () => {
    const { native, asked } = several([provider(0, 0, 1, IN_FORCE)]);
    const { phcIndex, choice, changed } = enableStamping(native, 'eth0', wish());
    assert.deepEqual([phcIndex, choice, changed, asked.length], [0, false, true, 0]);
  });

  it('a driver that cannot be told so keeps the one in force, and is not asked again', () => {
    const { native, asked } = several(both(), 'EOPNOTSUPP');
    const first = enableStamping(native, 'eth0', wish());
    assert.deepEqual([first.phcIndex, first.provider?.qualifier, first.config.txType], [0, 1, 1]);
    assert.equal(enableStamping(native, 'eth0', wish(), first.provider).changed, false);
    assert.equal(asked.length, 1);
  });

  it('who asked for one where nothing stamps is told that', () => {
    const native = loadNative();
    const refused = (message: RegExp) => ({ code: 'ERR_TB_DEVICE_UNSUPPORTED', message });
    assert.throws(() => enableStamping(native, 'lo', wish(['mac'])), refused(/^the interface has no hardware stamps$/));
    assert.throws(() => enableStamping(native, 'nosuch0', wish(['mac'])), refused(/ENODEV/));
    const old = card(I210, 0, 0);
    assert.throws(() => enableStamping(old.native, 'eth0', wish(['mac'])), refused(/Linux 6.14/));
  });

  it('who asked for another is told why not', () => {
    for (const [all, words, message] of [
      [both(), ['phy'], /^EOPNOTSUPP/],
      [both(), ['ptp7'], /no provider of stamps ptp7 that will do: there is ptp0 approx mac; ptp2 precise phy phy1$/],
    ] as const) {
      const { native } = several([...all], 'EOPNOTSUPP');
      const refused = { code: 'ERR_TB_DEVICE_UNSUPPORTED', message };
      assert.throws(() => enableStamping(native, 'eth0', wish([...words])), refused);
    }
  });
});

describe('the clock of an interface', () => {
  it('is what its driver says; a path is one already', () => {
    const native = { tsInfo: () => ({ ...I210, phcIndex: 3 }) };
    assert.equal(phcPath(native, 'eth0'), '/dev/ptp3');
    assert.equal(phcPath(native, '/dev/ptp0'), '/dev/ptp0');
    const missing = { code: 'ERR_TB_DEVICE_MISSING' };
    assert.throws(() => phcPath(loadNative(), 'lo'), missing);
    assert.throws(() => phcPath(loadNative(), 'nosuch0'), missing);
  });
});

describe('native calls about interfaces', () => {
  const native = loadNative();
  it('loopback is there, and does not stamp', () => {
    assert.ok(native.interfaces().some((i) => i.name === 'lo' && i.index === native.linkInfo('lo').index));
    failsWith('EOPNOTSUPP', () => native.stampConfig('lo'));
    assert.deepEqual(native.stampProviders('lo'), []);
    // EPERM: who may not is told so before the kernel looks.
    assert.throws(() => native.setStampProvider('lo', 0, 0, 1, 1), { code: /^(EOPNOTSUPP|EPERM)$/ });
    assert.ok(native.clockPrecision() >= 1);
  });
  it('misuse and unknown names', () => {
    for (const name of ['', 'nosuch0', 'an-interface-name-too-long']) {
      failsWith('ENODEV', () => native.linkInfo(name));
      failsWith('ENODEV', () => native.stampConfig(name));
      failsWith('ENODEV', () => native.setStampConfig(name, 0, 0));
      failsWith('ENODEV', () => native.stampProviders(name));
      failsWith('ENODEV', () => native.setStampProvider(name, 0, 0, 0, 0));
    }
    misused([
      () => native.linkInfo(1 as unknown as string),
      () => native.linkInfo('lo\0'),
      () => native.stampConfig(undefined as unknown as string),
      () => native.setStampConfig('lo', -1, 0),
      () => native.setStampConfig('lo', 0, 99),
      () => native.setStampConfig('lo', 0, 1.5),
      () => native.stampProviders(7 as unknown as string),
      () => native.setStampProvider('lo', -1, 0, 0, 0),
      () => native.setStampProvider('lo', 0, -1, 0, 0),
      () => native.setStampProvider('lo', 0, 0, 32, 0),
      () => native.setStampProvider('lo', 0, 0, 0, 32),
    ]);
  });
});

type OnSent = (id: number, time: bigint, hardware: NativeHardwareStamp | undefined, ifindex: number) => void;
type OnReply = (id: number, b: Uint8Array, t: bigint, kernel: boolean, h: NativeHardwareStamp | undefined) => void;

/** A client on a card whose clock is 1000 ns ahead; what it told, in order. */
class Rig {
  readonly told: [string, bigint, string][] = [];
  readonly device: NtpClientDevice;
  onSent!: OnSent;
  onReply!: OnReply;
  constructor(timeoutMs = 1) {
    const outer = this;
    class UdpClients {
      constructor(onSent: OnSent, onReply: OnReply) {
        outer.onSent = onSent;
        outer.onReply = onReply;
      }
      request(): { id: number; time: bigint; local: string } {
        return { id: 7, time: 10n, local: '' };
      }
      forget(): void {}
      close(): void {}
    }
    const toSystem = ({ time }: NativeHardwareStamp): Instant | undefined =>
      time === 0n ? undefined : instant(time - 1000n);
    const hardware: ClientHardware = { timeoutMs, transmits: (i) => i === 3, sent: toSystem, received: toSystem };
    const options = { port: undefined, address4: undefined, address6: undefined, device: undefined, dscp: 0 };
    this.device = new NtpClientDevice(
      { UdpClients } as unknown as Native,
      { ...options, key: () => undefined, hardware },
      {
        onSent: (_, __, time, stamp) => this.told.push(['sent', time, stamp]),
        onReply: ({ time, stamp }) => this.told.push(['reply', time, stamp]),
        onFailed: () => assert.fail(),
      },
    );
    this.device.send({ source: 1, serial: 1, address: '192.0.2.1', port: 123, bytes: new Uint8Array(48), key: 0 });
  }
  sent(time: bigint, hardware?: bigint, ifindex = 3): void {
    this.onSent(7, time, hardware === undefined ? undefined : { time: hardware, interface: 3, length: 0 }, ifindex);
  }
  reply(time: bigint, hardware?: bigint): void {
    const stamp = hardware === undefined ? undefined : { time: hardware, interface: 3, length: 90 };
    this.onReply(7, new Uint8Array(48), time, true, stamp);
  }
}

describe('requests of ours by a card that stamps', () => {
  it("have the card's stamps, both", () => {
    const rig = new Rig();
    rig.sent(20n);
    rig.sent(0n, 1021n);
    rig.reply(40n, 1035n);
    assert.deepEqual(rig.told, [
      ['sent', 21n, 'hardware'],
      ['reply', 35n, 'hardware'],
    ]);
    rig.device.stop();
  });

  it('a reply waits for the stamp of its request', async () => {
    const rig = new Rig(200);
    rig.sent(20n);
    rig.reply(40n, 1035n);
    await sleep(5);
    assert.equal(rig.told.length, 0);
    rig.sent(0n, 1021n);
    assert.deepEqual(
      rig.told.map(([what, , stamp]) => [what, stamp]),
      [
        ['sent', 'hardware'],
        ['reply', 'hardware'],
      ],
    );
    rig.device.stop();
  });

  it("but not for ever: then the kernel's has to do, and a late one changes nothing", async () => {
    const rig = new Rig(1);
    rig.sent(20n);
    rig.reply(40n);
    for (let i = 0; i < 100 && rig.told.length < 2; i++) await sleep(2);
    rig.sent(0n, 1021n);
    assert.deepEqual(rig.told, [
      ['sent', 20n, 'kernel'],
      ['reply', 40n, 'kernel'],
    ]);
    rig.device.stop();
  });

  it('what cannot be translated, or left by another interface, is not waited for', () => {
    const [unknown, other] = [new Rig(), new Rig()];
    unknown.sent(20n);
    unknown.sent(0n, 0n);
    unknown.reply(40n, 0n);
    other.sent(20n, undefined, 4);
    other.reply(40n);
    for (const rig of [unknown, other]) {
      assert.deepEqual(rig.told, [
        ['sent', 20n, 'kernel'],
        ['reply', 40n, 'kernel'],
      ]);
      rig.device.stop();
    }
  });

  it('replies that are held are few', async () => {
    const rig = new Rig(1);
    rig.sent(20n);
    for (let i = 0; i < 50; i++) rig.reply(40n);
    for (let i = 0; i < 100 && rig.told.length < 2; i++) await sleep(2);
    assert.equal(rig.told.length, 5);
    rig.device.stop();
  });
});
