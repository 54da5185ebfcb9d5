import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Instant, instant } from '../../../src/base/time.js';
import { loadNative, type Native, type NativeHardwareStamp, type NativeTsInfo } from '../../../src/devices/native.js';
import { chooseFilter, enableStamping, FILTER, whyNot } from '../../../src/devices/nic.js';
import { type ClientHardware, NtpClientDevice } from '../../../src/devices/ntpclient.js';
import { phcPath } from '../../../src/devices/phc.js';
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

/** The calls of a card that is told `txType`, `rxFilter` now. */
const card = (info: NativeTsInfo, txType: number, rxFilter: number, refuse?: string) => {
  const told: number[][] = [];
  const native = {
    tsInfo: () => info,
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
    assert.equal(enableStamping(off.native, 'eth0', undefined).changed, true);
    assert.deepEqual(off.told, [[1, FILTER.ALL]]);
    const on = card(I210, 1, FILTER.ALL, 'EPERM');
    assert.deepEqual(enableStamping(on.native, 'eth0', undefined).changed, false);
  });

  it('a filter that somebody else has set stays where we have no use for one', () => {
    const ptpOnly = { ...I210, rxFilters: bits(FILTER.PTP_V2_EVENT) };
    const used = card(ptpOnly, 0, FILTER.PTP_V2_EVENT);
    assert.equal(enableStamping(used.native, 'eth0', undefined).txOnly, true);
    assert.deepEqual(used.told, [[1, FILTER.PTP_V2_EVENT]]);
  });

  it('what cannot be is a coded error with the reason', () => {
    for (const [c, wanted] of [
      [card({ ...I210, phcIndex: -1 }, 0, 0), undefined],
      [card(I210, 0, 0, 'EPERM'), undefined],
      [card(I210, 0, 0), 'ntp'],
    ] as const) {
      assert.throws(() => enableStamping(c.native, 'eth0', wanted), { code: 'ERR_TB_DEVICE_UNSUPPORTED' });
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
    assert.ok(native.clockPrecision() >= 1);
  });
  it('misuse and unknown names', () => {
    for (const name of ['', 'nosuch0', 'an-interface-name-too-long']) {
      failsWith('ENODEV', () => native.linkInfo(name));
      failsWith('ENODEV', () => native.stampConfig(name));
      failsWith('ENODEV', () => native.setStampConfig(name, 0, 0));
    }
    misused([
      () => native.linkInfo(1 as unknown as string),
      () => native.linkInfo('lo\0'),
      () => native.stampConfig(undefined as unknown as string),
      () => native.setStampConfig('lo', -1, 0),
      () => native.setStampConfig('lo', 0, 99),
      () => native.setStampConfig('lo', 0, 1.5),
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
