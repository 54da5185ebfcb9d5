import { createHash } from 'node:crypto';
import { BUILT_IN } from '../../src/core/discipline/leaptable.js';

const NTP_UNIX = 2_208_988_800;
const ntp = (at: bigint): number => Number(at / 1_000_000_000n) + NTP_UNIX;

/** A leap second list as the IETF publishes it: the built-in entries, expiring as they do (or at `expires`, Unix s). */
export const leapList = (expires = Number(BUILT_IN.expires! / 1_000_000_000n)): string => {
  const rows = BUILT_IN.entries.map((e) => `${ntp(e.at)}\t${e.taiUtc}`);
  const issued = '3960835200';
  const expiry = String(expires + NTP_UNIX);
  const hash = createHash('sha1')
    .update(issued + expiry + rows.join('').replaceAll('\t', ''))
    .digest('hex');
  const words = hash.match(/.{8}/g)!.map((w) => w.replace(/^0+(?=.)/, ''));
  return [
    '# leap seconds',
    `#$\t${issued}`,
    `#@\t${expiry}`,
    ...rows.map((r) => `${r}\t# day`),
    `#h\t${words.join(' ')}`,
    '',
  ].join('\n');
};

const block = (version: string, wide: boolean, leaps: readonly (readonly [number, number])[]): Buffer => {
  const head = Buffer.alloc(44);
  head.write(`TZif${version}`, 'latin1');
  // isutcnt, isstdcnt, leapcnt, timecnt, typecnt, charcnt
  for (const [i, n] of [1, 1, leaps.length, 0, 1, 4].entries()) head.writeUInt32BE(n, 20 + 4 * i);
  const records = leaps.map(([at, correction]) => {
    const record = Buffer.alloc(wide ? 12 : 8);
    if (wide) record.writeBigInt64BE(BigInt(at));
    else record.writeInt32BE(at);
    record.writeInt32BE(correction, wide ? 8 : 4);
    return record;
  });
  return Buffer.concat([head, Buffer.alloc(6), Buffer.from('UTC\0'), ...records, Buffer.alloc(2)]);
};

/** A compiled time zone with these leap seconds: occurrence (counting those before it) and correction after it. */
export const tzif = (version: '\0' | '2' | '4', leaps: readonly (readonly [number, number])[]): Uint8Array => {
  const first = block(version, false, version === '\0' ? leaps : []);
  return version === '\0' ? first : Buffer.concat([first, block(version, true, leaps), Buffer.from('\nUTC0\n')]);
};

/** right/UTC of the built-in table. */
export const rightUtc = (): Uint8Array =>
  tzif(
    '2',
    BUILT_IN.entries.slice(1).map((e, i) => [Number(e.at / 1_000_000_000n) + i, i + 1] as const),
  );
