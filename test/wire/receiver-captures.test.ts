import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { receiverDecode } from '../../src/app/cli/receiver-decode.js';

/**
 * Every receiver capture of the shared set through `timeball receiver decode`, compared with the times that gpsd gives
 * (TPV with a fix, in FILE.chk). Where the two differ, the reason stands here.
 */
const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const CAPTURES = join(ROOT, '..', 'shared', 'captures');

interface Exception {
  /** Times that gpsd gives and we do not. */
  readonly missing?: number;
  /** Valid epochs that we give and gpsd reports in no TPV with a fix. */
  readonly extra?: number;
  readonly why: string;
}

const EDGE = 'gpsd reports a cycle at its end, so the first or last epoch of the file is in no TPV';
const EXCEPTIONS: Readonly<Record<string, Exception>> = {
  'ait250.log': { extra: 1, why: EDGE },
  'april6_2019.log': {
    missing: 1,
    extra: 1,
    why: 'gpsd says 1999-08-22; repaired to 2019-04-07 (date "2208-1" refused)',
  },
  'beidou-bd.log': { extra: 1, why: 'gpsd has no fix in its first valid cycle' },
  'bt451.log': { missing: 5, extra: 2, why: 'time goes back from 15:25:08 to 14:33:06 in mid stream: refused' },
  'garmin48.log': { extra: 6, why: 'gpsd merges the GLL (one second ahead) with the next RMC' },
  'gp-320fw-2019-03-28.log': { extra: 1, why: 'gpsd drops one cycle' },
  'gp-320fw-2019-04-06-overflow.log': { extra: 1, why: 'gpsd drops one cycle' },
  'humminbird-M37.log': {
    extra: 2,
    why: 'gpsd drops two cycles; the nine epochs that go backward repeat times already served',
  },
  'isync.log': { extra: 1, why: EDGE },
  'myguide-3100.log': { extra: 1, why: 'gpsd has no fix in its first valid cycle' },
  'navisys-gr701w.log': { missing: 4, why: 'NAV-SOL says gpsFixOK 0: the receiver does not vouch for these' },
  'neo-m8n.log': { missing: 22, extra: 23, why: 'gpsd says 2034; the capture is of 2015-03-18, as its head says' },
  'oncore-binary.log': { missing: 12, why: 'Motorola binary, which is not decoded; and gpsd is 1024 weeks back' },
  'quectel-l76k-nmea.log': { extra: 1, why: EDGE },
  'u-blox-m8t-time.log': { extra: 1, why: EDGE },
  'ublox-aek-4t.log': { missing: 2, extra: 1, why: 'two epochs have NAV-SOL alone, which is not a time message here' },
  'ublox-lea-5h.log': { extra: 1, why: EDGE },
  'ublox-lea-m8f.log': { extra: 10, why: 'gpsd reports no TPV for the epochs between its set-up commands' },
  'ublox-zed-f9p-hp.log': { extra: 1, why: EDGE },
  'ublox-zed-f9t-ubx_nmea_l5.log': { extra: 1, why: EDGE },
};

/** Nothing valid must come out of these. */
const SILENT = ['holux-gm-210.log', 'hp58534a.log', 'oncore-binary.log', 'rtcm3.log', 'skytraq-err.log', 'skytraq.log'];

/** `# Date:` of the head is what gpsd takes for now; days that do not exist (2025-07-32) become the 28th. */
const nowOf = (log: Buffer): string => {
  const m = /^# ?Date ?[:=] ?(\d{4})-(\d{1,2})[- ](\d{1,2})/m.exec(log.toString('latin1'));
  if (m === null) return '2026-01-01';
  const two = (n: string, most: number) => String(Math.min(most, Number(n))).padStart(2, '0');
  return `${m[1]}-${two(m[2]!, 12)}-${two(m[3]!, 28)}`;
};

interface Epoch {
  readonly utc: string | null;
  readonly valid: boolean;
}

const decode = (path: string, now: string): { code: number; epochs: Epoch[] } => {
  let text = '';
  const stdout = { write: (s: string) => (text += s) };
  const code = receiverDecode([path, '--json', '--now', now], { stdout, stderr: { write: () => {} } });
  const epochs = text.split('\n').filter((l) => l !== '');
  return { code, epochs: epochs.map((l) => JSON.parse(l) as Epoch) };
};

const gpsdTimes = (path: string): Set<string> => {
  const times = new Set<string>();
  for (const line of readFileSync(path, 'latin1').split('\n')) {
    if (!line.startsWith('{"class":"TPV"')) continue;
    const tpv = JSON.parse(line) as { mode?: number; time?: string };
    if (tpv.time !== undefined && (tpv.mode ?? 0) >= 2) times.add(tpv.time);
  }
  return times;
};

const names = existsSync(CAPTURES) ? readdirSync(CAPTURES).filter((f) => f.endsWith('.log')) : [];

describe('receiver captures', () => {
  if (names.length === 0) it('captures', (t) => t.skip('the captures are not beside the project (../shared/captures)'));
  let equal = 0;
  for (const name of names) {
    it(name, () => {
      const path = join(CAPTURES, name);
      const { code, epochs } = decode(path, nowOf(readFileSync(path)));
      const valid = epochs.filter((e) => e.valid).map((e) => e.utc!);
      const ours = new Set(valid);
      assert.equal(ours.size, valid.length, 'no second is served twice');
      assert.equal(code, epochs.length > 0 ? 0 : 2);
      if (SILENT.includes(name)) assert.equal(valid.length, 0);
      const theirs = gpsdTimes(`${path}.chk`);
      const missing = [...theirs].filter((t) => !ours.has(t));
      const extra = valid.filter((t) => !theirs.has(t));
      const expected = EXCEPTIONS[name];
      const say = `missing ${missing.join(' ')} extra ${extra.join(' ')}`;
      assert.deepEqual([missing.length, extra.length], [expected?.missing ?? 0, expected?.extra ?? 0], say);
      equal += valid.length - extra.length;
    });
  }
  if (names.length > 0) {
    it('compare equal in more than 1200 epochs', (t) => {
      t.diagnostic(`${equal} epochs equal to gpsd's`);
      assert.ok(equal > 1200);
    });
    it('a wrong now is noticed (negative control)', () => {
      const path = join(CAPTURES, 'mt3339.log');
      const theirs = gpsdTimes(`${path}.chk`);
      assert.ok(decode(path, '2026-01-01').epochs.every((e) => !theirs.has(e.utc ?? '')));
    });
    it('april6_2019 is refused where no near era fits', () => {
      const { epochs } = decode(join(CAPTURES, 'april6_2019.log'), '2026-11-21');
      assert.ok(epochs.every((e) => !e.valid));
    });
  }
});
