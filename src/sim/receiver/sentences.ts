import { textToBytes } from '../../base/ascii.js';
import { floorSeconds, type Instant, instant, NS_PER_S } from '../../base/time.js';
import { formatSentence } from '../../wire/receiver/nmea.js';
import { formatUbx } from '../../wire/receiver/ubx.js';

/** What a simulated receiver writes about one second. */
export type SimSentence =
  | 'RMC'
  | 'ZDA'
  | 'GGA'
  | 'GLL'
  | 'GNS'
  | 'GSA'
  | 'GSV'
  | 'NAV-PVT'
  | 'NAV-TIMEUTC'
  | 'NAV-TIMELS'
  | 'TIM-TP';

/** A second of UTC; the leap second :60 is the instant of the following :00 with the flag set. */
export interface SimSecond {
  readonly utc: Instant;
  readonly leapSecond?: boolean;
}

/** What the receiver believes and how it writes. */
export interface SimView {
  readonly second: SimSecond;
  /** 'fix'; 'none': knows the time from its own clock; 'cold': knows nothing, fields are empty. */
  readonly fix: 'fix' | 'none' | 'cold';
  readonly talker: string;
  readonly fractionDigits: number;
  readonly satellites: number;
  readonly gpsUtcLeap: number;
  /** Announced change of the leap count and seconds until then. */
  readonly leapChange: number;
  readonly leapIn: number;
  /** Quantisation error of the next pulse, ps. */
  readonly quantisationPs: number;
}

interface Civil {
  readonly year: number;
  readonly month: number;
  readonly day: number;
  readonly hour: number;
  readonly minute: number;
  readonly second: number;
}

const civil = ({ utc, leapSecond }: SimSecond): Civil => {
  const shown = leapSecond ? instant(utc - NS_PER_S) : utc;
  const d = new Date(Number(floorSeconds(shown)) * 1000);
  return {
    year: d.getUTCFullYear(),
    month: d.getUTCMonth() + 1,
    day: d.getUTCDate(),
    hour: d.getUTCHours(),
    minute: d.getUTCMinutes(),
    second: d.getUTCSeconds() + (leapSecond ? 1 : 0),
  };
};

const two = (n: number): string => String(n).padStart(2, '0');

const LATITUDE = '4807.03800,N';
const LONGITUDE = '01131.00000,E';
const position = (v: SimView): string => (v.fix === 'fix' ? `${LATITUDE},${LONGITUDE}` : ',,,');

const time = (v: SimView, c: Civil): string => {
  if (v.fix === 'cold') return '';
  const fraction = v.fractionDigits > 0 ? `.${'0'.repeat(v.fractionDigits)}` : '';
  return two(c.hour) + two(c.minute) + two(c.second) + fraction;
};

const used = (v: SimView): number => (v.fix === 'fix' ? Math.min(v.satellites, 12) : 0);

const rmc = (v: SimView, c: Civil): string => {
  const date = v.fix === 'cold' ? '' : two(c.day) + two(c.month) + two(c.year % 100);
  const [status, mode] = v.fix === 'fix' ? ['A', 'A'] : ['V', 'N'];
  return `${v.talker}RMC,${time(v, c)},${status},${position(v)},0.004,77.52,${date},,,${mode}`;
};

const zda = (v: SimView, c: Civil): string => {
  const date = v.fix === 'cold' ? ',,' : `${two(c.day)},${two(c.month)},${c.year}`;
  return `${v.talker}ZDA,${time(v, c)},${date},00,00`;
};

const gga = (v: SimView, c: Civil): string => {
  const quality = v.fix === 'fix' ? 1 : 0;
  return `${v.talker}GGA,${time(v, c)},${position(v)},${quality},${two(used(v))},0.91,545.4,M,46.9,M,,`;
};

const gll = (v: SimView, c: Civil): string =>
  `${v.talker}GLL,${position(v)},${time(v, c)},${v.fix === 'fix' ? 'A,A' : 'V,N'}`;

const gns = (v: SimView, c: Civil): string =>
  `${v.talker}GNS,${time(v, c)},${position(v)},${v.fix === 'fix' ? 'AN' : 'NN'},${two(used(v))},0.91,545.4,46.9,,`;

const gsa = (v: SimView): string => {
  const slots = Array.from({ length: 12 }, (_, i) => (i < used(v) ? two(i + 1) : ''));
  return `${v.talker}GSA,A,${v.fix === 'fix' ? 3 : 1},${slots.join(',')},1.60,0.91,1.31`;
};

const gsv = (v: SimView): string[] => {
  const count = Math.max(1, Math.ceil(v.satellites / 4));
  return Array.from({ length: count }, (_, i) => {
    const groups = [];
    for (let s = 4 * i; s < Math.min(v.satellites, 4 * i + 4); s++) {
      const snr = v.fix === 'cold' ? '' : two(25 + ((7 * s) % 22));
      groups.push(`,${two(s + 1)},${two(10 + ((11 * s) % 75))},${String((37 * s) % 360).padStart(3, '0')},${snr}`);
    }
    return `${v.talker === 'GN' ? 'GP' : v.talker}GSV,${count},${i + 1},${two(v.satellites)}${groups.join('')}`;
  });
};

const GPS_EPOCH_S = 315_964_800n;
const WEEK_S = 604_800n;

/**
 * GPS week and ms of week. The leap second :60 has the instant of the following :00 but the leap count of before, and
 * so the GPS second just before it, as it should.
 */
const gpsTime = (v: SimView): { week: number; towMs: number } => {
  const gps = floorSeconds(v.second.utc) - GPS_EPOCH_S + BigInt(v.gpsUtcLeap);
  return { week: Number(gps / WEEK_S), towMs: Number(gps % WEEK_S) * 1000 };
};

const ubx = (classId: number, messageId: number, size: number, fill: (view: DataView) => void): Uint8Array => {
  const payload = new Uint8Array(size);
  fill(new DataView(payload.buffer));
  return formatUbx(classId, messageId, payload);
};

const putCivil = (d: DataView, at: number, c: Civil): void => {
  d.setUint16(at, c.year, true);
  [c.month, c.day, c.hour, c.minute, c.second].forEach((n, i) => {
    d.setUint8(at + 2 + i, n);
  });
};

const pvt = (v: SimView, c: Civil): Uint8Array =>
  ubx(0x01, 0x07, 92, (d) => {
    d.setUint32(0, gpsTime(v).towMs, true);
    putCivil(d, 4, c);
    d.setUint8(11, v.fix === 'cold' ? 0 : 7);
    d.setUint32(12, v.fix === 'fix' ? 25 : 0xffffffff, true);
    d.setInt32(16, -421, true);
    d.setUint8(20, v.fix === 'fix' ? 3 : 0);
    d.setUint8(21, v.fix === 'fix' ? 1 : 0);
    d.setUint8(23, used(v));
  });

const timeUtc = (v: SimView, c: Civil): Uint8Array =>
  ubx(0x01, 0x21, 20, (d) => {
    d.setUint32(0, gpsTime(v).towMs, true);
    d.setUint32(4, 25, true);
    d.setInt32(8, -421, true);
    putCivil(d, 12, c);
    d.setUint8(19, v.fix === 'fix' ? 0x37 : 0x30);
  });

const timeLs = (v: SimView): Uint8Array =>
  ubx(0x01, 0x26, 24, (d) => {
    d.setUint32(0, gpsTime(v).towMs, true);
    d.setUint8(8, v.fix === 'fix' ? 2 : 0);
    d.setInt8(9, v.gpsUtcLeap);
    d.setUint8(10, 2);
    d.setInt8(11, v.leapChange);
    d.setInt32(12, v.leapIn, true);
    d.setUint8(23, v.fix === 'fix' ? 3 : 0);
  });

/** Describes the NEXT pulse. */
const timTp = (v: SimView): Uint8Array =>
  ubx(0x0d, 0x01, 16, (d) => {
    const { week, towMs } = gpsTime(v);
    const next = towMs + 1000;
    const wraps = next >= Number(WEEK_S) * 1000;
    d.setUint32(0, wraps ? 0 : next, true);
    d.setInt32(8, v.quantisationPs, true);
    d.setUint16(12, wraps ? week + 1 : week, true);
    d.setUint8(14, 2);
  });

/** The bytes of one sentence or message, line end included. */
export const write = (name: SimSentence, v: SimView): Uint8Array[] => {
  const c = civil(v.second);
  const text = (...bodies: string[]) => bodies.map((body) => textToBytes(formatSentence(body)));
  switch (name) {
    case 'RMC':
      return text(rmc(v, c));
    case 'ZDA':
      return text(zda(v, c));
    case 'GGA':
      return text(gga(v, c));
    case 'GLL':
      return text(gll(v, c));
    case 'GNS':
      return text(gns(v, c));
    case 'GSA':
      return text(gsa(v));
    case 'GSV':
      return text(...gsv(v));
    case 'NAV-PVT':
      return [pvt(v, c)];
    case 'NAV-TIMEUTC':
      return [timeUtc(v, c)];
    case 'NAV-TIMELS':
      return [timeLs(v)];
    case 'TIM-TP':
      return [timTp(v)];
  }
};
