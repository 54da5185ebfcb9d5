import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { nic } from '../../../../src/app/cli/nic.js';
import type { Native, NativeStampProvider } from '../../../../src/devices/native.js';
import { documentedFields } from '../../../support/manpage.js';

const STAMPS = { flags: 1 | 4 | 64, txTypes: 3 };
const MAC = { ...STAMPS, phcIndex: 0, qualifier: 0, source: 1, phyIndex: -1, rxFilters: 0b11, inForce: false };
const PHY = { ...MAC, phcIndex: 1, source: 2, phyIndex: 4, rxFilters: (1 << 12) | 1, inForce: true };

/** What `timeball nic eth0` prints of an interface. */
const shown = async (providers: NativeStampProvider[], ...words: string[]): Promise<string> => {
  const native = {
    linkInfo: () => ({ index: 2, up: true, running: true, speedMbps: 1000 }),
    tsInfo: () => ({ ...STAMPS, phcIndex: 1, rxFilters: PHY.rxFilters }),
    stampConfig: () => ({ txType: 1, rxFilter: 12 }),
    stampProviders: () => providers,
  } as unknown as Native;
  let text = '';
  const io = { out: (piece: string) => (text += piece), err: (piece: string) => (text += piece) };
  const code = await nic(native, ['nosuch0', ...words], io as unknown as Parameters<typeof nic>[2]);
  assert.equal(code, 0);
  return text;
};

describe('timeball nic', () => {
  it('lists whose stamps there are, which are in use, and which would be', async () => {
    const text = await shown([MAC, PHY]);
    const lines = text.split('\n').slice(2);
    assert.deepEqual(lines, [
      '  clock        /dev/ptp1',
      '  transmit     off on',
      '  receive      none ptpv2-event',
      '  told now     transmit on, receive ptpv2-event',
      '  providers    ptp0 precise mac: transmit off on, receive none all',
      '               ptp1 precise phy phy4 (in use): transmit off on, receive none ptpv2-event',
      '  hwtimestamp  stamps what it sends and receives; provider ptp0 precise mac',
      '',
    ]);
    const [facts] = JSON.parse(await shown([MAC, PHY], '--json'));
    assert.deepEqual(Object.keys(facts.providers[0]), documentedFields('JSON WITHOUT A DAEMON', 'providers'));
    assert.deepEqual([facts.provider, facts.use, facts.clock], ['ptp0 precise mac', 'both', '/dev/ptp1']);
    assert.deepEqual(facts.providers, [
      { name: 'ptp0 precise mac', inForce: false, transmitTypes: ['off', 'on'], receiveFilters: ['none', 'all'] },
      {
        name: 'ptp1 precise phy phy4',
        inForce: true,
        transmitTypes: ['off', 'on'],
        receiveFilters: ['none', 'ptpv2-event'],
      },
    ]);
  });

  it('says nothing of providers where the kernel does not', async () => {
    const text = await shown([]);
    assert.ok(!text.includes('provider'));
    assert.match(text, /hwtimestamp {2}stamps what it sends; .*rxfilter ptp\)/);
    const [facts] = JSON.parse(await shown([], '--json'));
    assert.deepEqual([facts.provider, facts.providers], [null, []]);
  });
});
