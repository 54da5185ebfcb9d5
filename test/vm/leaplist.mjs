// A list of leap seconds with its checksum: the last ones there were, and TAI-UTC 38 from a date on. `leaplist.mjs DATE`
import { createHash } from 'node:crypto';

const ntp = (date) => Date.parse(`${date}T00:00:00Z`) / 1000 + 2208988800;
const updated = ntp('2027-01-08');
const expires = ntp('2027-12-28');
const lines = [
  [ntp('2009-01-01'), 34],
  [ntp('2012-07-01'), 35],
  [ntp('2015-07-01'), 36],
  [ntp('2017-01-01'), 37],
  [ntp(process.argv[2]), 38],
];
const hashed = [updated, expires, ...lines.flat()].join('');
const words = createHash('sha1').update(hashed).digest('hex').match(/.{8}/g);
console.log(`#$\t${updated}\n#@\t${expires}`);
for (const [from, tai] of lines) console.log(`${from}\t${tai}`);
console.log(`#h\t${words.join(' ')}`);
