import { parseNmeaSentence } from 'nmea-simple';
import { formatSentence, type NmeaSentence } from './nmea.js';

/**
 * Satellites, fix and dilution for people and dashboards. nmea-simple decodes; guards before it keep out what it gets
 * wrong (a signal id becomes a satellite, an empty SNR 0 dB, an empty position 0° N 0° E), and nothing here is ever
 * used for time.
 */

export interface Satellite {
  readonly talker: string;
  readonly prn: number;
  /** Degrees; undefined when the receiver does not say. */
  readonly elevation: number | undefined;
  readonly azimuth: number | undefined;
  /** dB-Hz; undefined = not tracked. */
  readonly snr: number | undefined;
}

export interface FixInfo {
  /** 'none', 'fix', 'delta' (DGPS), 'rtk' …: nmea-simple's words for GGA quality; undefined before the first GGA. */
  readonly quality: string | undefined;
  /** 'none', '2D', '3D' from GSA. */
  readonly mode: string | undefined;
  readonly latitude: number | undefined;
  readonly longitude: number | undefined;
  /** m above the geoid */
  readonly altitude: number | undefined;
  readonly pdop: number | undefined;
  readonly hdop: number | undefined;
  readonly vdop: number | undefined;
}

const NO_FIX: FixInfo = {
  quality: undefined,
  mode: undefined,
  latitude: undefined,
  longitude: undefined,
  altitude: undefined,
  pdop: undefined,
  hdop: undefined,
  vdop: undefined,
};

/** A constellation that has sent no GSV for so many epochs is gone (some receivers send GSV every fifth second only). */
const KEEP_EPOCHS = 12;
const MAX_TALKERS = 8;

interface Group {
  total: number;
  satellites: Map<number, Satellite>;
  age: number;
}

const finite = (n: number | undefined): number | undefined => (Number.isFinite(n) ? n : undefined);
const count = (field: string | undefined): number | undefined =>
  field !== undefined && /^\d{1,3}$/.test(field) ? Number(field) : undefined;

export class Sky {
  private readonly groups = new Map<string, Group>();
  private usedCount: number | undefined;
  private fixInfo: FixInfo = NO_FIX;

  /** Satellites in the solution, as the last GGA, GNS or PVT said. */
  get used(): number | undefined {
    return this.usedCount;
  }

  /** Satellites in view, all constellations; undefined when no GSV has come in lately. */
  get visible(): number | undefined {
    return this.groups.size === 0 ? undefined : [...this.groups.values()].reduce((n, g) => n + g.total, 0);
  }

  get satellites(): readonly Satellite[] {
    return [...this.groups.values()].flatMap((g) => [...g.satellites.values()]);
  }

  get fix(): FixInfo {
    return this.fixInfo;
  }

  setUsed(satellites: number): void {
    this.usedCount = satellites;
  }

  /** Called once an epoch. */
  grow(): void {
    for (const [talker, group] of this.groups) if (++group.age > KEEP_EPOCHS) this.groups.delete(talker);
  }

  accept(sentence: NmeaSentence): void {
    if (sentence.type === 'GSV') this.gsv(sentence);
    else if (sentence.type === 'GSA') this.gsa(sentence);
    else if (sentence.type === 'GGA') this.gga(sentence);
    else if (sentence.type === 'GNS') this.usedCount = count(sentence.fields[6]) ?? this.usedCount;
  }

  /** The signal id of NMEA 4.1 is one field after whole groups of four: taken off before nmea-simple sees it. */
  private gsv(sentence: NmeaSentence): void {
    const { talker, fields } = sentence;
    if (fields.length < 3 || (this.groups.size >= MAX_TALKERS && !this.groups.has(talker))) return;
    const whole = fields.length - ((fields.length - 3) % 4);
    const packet = decode(talker, 'GSV', fields.slice(0, whole));
    if (packet?.sentenceId !== 'GSV' || !(packet.satellitesInView >= 0 && packet.satellitesInView < 100)) return;
    const group = this.groups.get(talker) ?? { total: 0, satellites: new Map(), age: 0 };
    if (packet.messageNumber === 1 && group.age > 0) group.satellites.clear();
    group.age = 0;
    group.total = packet.satellitesInView;
    packet.satellites.slice(0, 4).forEach((s, i) => {
      if (!Number.isInteger(s.prnNumber) || group.satellites.size >= 100) return;
      const snr = fields[6 + 4 * i] === '' ? undefined : finite(s.SNRdB);
      const known = group.satellites.get(s.prnNumber);
      const both = snr === undefined ? known?.snr : Math.max(snr, known?.snr ?? 0);
      const [elevation, azimuth] = [finite(s.elevationDegrees), finite(s.azimuthTrue)];
      group.satellites.set(s.prnNumber, { talker, prn: s.prnNumber, elevation, azimuth, snr: both });
    });
    this.groups.set(talker, group);
  }

  private gsa(sentence: NmeaSentence): void {
    if (sentence.fields.length < 17) return;
    const packet = decode(sentence.talker, 'GSA', sentence.fields.slice(0, 17));
    if (packet?.sentenceId !== 'GSA') return;
    const { fixMode: mode, PDOP, HDOP, VDOP } = packet;
    this.fixInfo = { ...this.fixInfo, mode, pdop: finite(PDOP), hdop: finite(HDOP), vdop: finite(VDOP) };
  }

  private gga(sentence: NmeaSentence): void {
    const { fields } = sentence;
    this.usedCount = count(fields[6]) ?? this.usedCount;
    const packet = decode(sentence.talker, 'GGA', fields);
    if (packet?.sentenceId !== 'GGA') return;
    const placed = fields[1] !== '' && fields[3] !== '' && packet.fixType !== 'none';
    this.fixInfo = {
      ...this.fixInfo,
      quality: packet.fixType,
      latitude: placed ? finite(packet.latitude) : undefined,
      longitude: placed ? finite(packet.longitude) : undefined,
      altitude: placed && fields[8] !== '' ? finite(packet.altitudeMeters) : undefined,
    };
  }
}

const decode = (talker: string, type: string, fields: readonly string[]) => {
  try {
    return parseNmeaSentence(formatSentence(`${talker}${type},${fields.join(',')}`).trimEnd());
  } catch {
    // Undecodable for it: it throws plain errors, with the sentence inside, for anything unexpected.
    return undefined;
  }
};
