/** `timeball nic [INTERFACE]`: what network cards can stamp, what they are told to, and a test of it. */
import { readlinkSync } from 'node:fs';
import { basename } from 'node:path';
import { parseIp } from '../../base/ip.js';
import type { Native, NativeStampConfig, NativeStampProvider } from '../../devices/native.js';
import {
  bestProvider,
  chooseFilter,
  configOf,
  enableStamping,
  FILTER,
  type StampWish,
  whyNot,
} from '../../devices/nic.js';
import { isSame, nameOf, providersOf } from '../../devices/provider.js';
import { messageOf } from '../../devices/retry.js';
import { figuresOf, type Probe, probe } from './nic-probe.js';
import type { CliIo } from './session.js';

const USAGE =
  'usage: timeball nic [INTERFACE] [--json]\n       timeball nic INTERFACE --test [SERVER] [--json]   (as root; SERVER: address of one that answers NTP)\n';
const EXIT = { OK: 0, FAILED: 1, NO_DATA: 2, USAGE: 64 } as const;

/** Names of HWTSTAMP_FILTER_*, as ethtool prints them. */
const FILTER_NAMES = [
  'none',
  'all',
  'some',
  'ptpv1-l4-event',
  'ptpv1-l4-sync',
  'ptpv1-l4-delay-req',
  'ptpv2-l4-event',
  'ptpv2-l4-sync',
  'ptpv2-l4-delay-req',
  'ptpv2-l2-event',
  'ptpv2-l2-sync',
  'ptpv2-l2-delay-req',
  'ptpv2-event',
  'ptpv2-sync',
  'ptpv2-delay-req',
  'ntp-all',
];
const TX_NAMES = ['off', 'on', 'one-step-sync', 'one-step-p2p'];

const namesOf = (mask: number, names: readonly string[]): string[] => names.filter((_, i) => (mask & (1 << i)) !== 0);

/** Whose stamps an interface may take, where the kernel tells (Linux 6.14 and newer). */
export interface ProviderFacts {
  /** `ptp0 precise mac`: the words that the option `provider` of `hwtimestamp` takes. */
  readonly name: string;
  readonly inForce: boolean;
  readonly transmitTypes: readonly string[];
  readonly receiveFilters: readonly string[];
}

export interface NicFacts {
  readonly name: string;
  readonly index: number;
  readonly up: boolean;
  readonly carrier: boolean;
  /** Undefined: not known. */
  readonly speedMbps: number | undefined;
  readonly driver: string | undefined;
  /** /dev/ptpN. */
  readonly clock: string | undefined;
  readonly transmitTypes: readonly string[];
  readonly receiveFilters: readonly string[];
  /** Clock and stamps are those of the one in force. Empty: not told. */
  readonly providers: readonly ProviderFacts[];
  /** Whose stamps `hwtimestamp` would take; undefined: not told, or none. */
  readonly provider: string | undefined;
  /** What it is told now; undefined: the driver does not say. */
  readonly now: { readonly transmit: string; readonly receive: string } | undefined;
  /** What `hwtimestamp` would use it for. */
  readonly use: 'both' | 'transmit' | 'none';
  readonly reason: string | undefined;
}

const ANYTHING: StampWish = { rxfilter: undefined, provider: [] };

const driverOf = (name: string): string | undefined => {
  try {
    return basename(readlinkSync(`/sys/class/net/${name}/device/driver`));
  } catch {
    return undefined;
  }
};

/** Throws ENODEV. */
const factsOf = (native: Native, name: string): NicFacts => {
  const link = native.linkInfo(name);
  const info = native.tsInfo(name);
  const config = configOf(native, name);
  const providers = providersOf(native, name);
  const best = bestProvider(providers, ANYTHING);
  const reason = whyNot(best ?? info);
  const { rxFilters } = best ?? info;
  const filter = chooseFilter(best ?? info, undefined);
  return {
    name,
    index: link.index,
    up: link.up,
    carrier: link.running,
    speedMbps: link.speedMbps || undefined,
    driver: driverOf(name),
    clock: info.phcIndex < 0 ? undefined : `/dev/ptp${info.phcIndex}`,
    transmitTypes: namesOf(info.txTypes, TX_NAMES),
    receiveFilters: namesOf(info.rxFilters, FILTER_NAMES),
    providers: providers.map((p) => ({
      name: nameOf(p),
      inForce: p.inForce,
      transmitTypes: namesOf(p.txTypes, TX_NAMES),
      receiveFilters: namesOf(p.rxFilters, FILTER_NAMES),
    })),
    provider: best && nameOf(best),
    now: config && {
      transmit: TX_NAMES[config.txType] ?? `${config.txType}`,
      receive: FILTER_NAMES[config.rxFilter] ?? `${config.rxFilter}`,
    },
    use: reason !== undefined ? 'none' : filter === FILTER.NONE ? 'transmit' : 'both',
    reason: reason ?? (filter === FILTER.NONE ? hintOf(rxFilters) : undefined),
  };
};

const hintOf = (rxFilters: number): string => {
  const ptp = namesOf(rxFilters, FILTER_NAMES).some((n) => n.startsWith('ptpv2'));
  return ptp ? 'it stamps received packets of PTP only: see ptpport and rxfilter ptp' : 'it stamps no received packets';
};

const USES = {
  both: 'stamps what it sends and receives',
  transmit: 'stamps what it sends; what it receives is stamped by the kernel',
  none: 'kernel stamps',
} as const;

const describeProvider = (p: ProviderFacts): string =>
  `${p.name}${p.inForce ? ' (in use)' : ''}: transmit ${p.transmitTypes.join(' ') || 'none'}, receive ${p.receiveFilters.join(' ') || 'none'}`;

const describe = (f: NicFacts): string => {
  const speed = f.speedMbps === undefined ? '' : `, ${f.speedMbps} Mbit/s`;
  const link = `${f.up ? (f.carrier ? 'up' : 'up, no carrier') : 'down'}${speed}`;
  const whose = f.providers.length > 1 && f.provider !== undefined ? `; provider ${f.provider}` : '';
  const lines: [string, string][] = [
    ['link', f.driver === undefined ? link : `${link} (${f.driver})`],
    ['clock', f.clock ?? 'none'],
    ['transmit', f.transmitTypes.join(' ') || 'none'],
    ['receive', f.receiveFilters.join(' ') || 'none'],
    [
      'told now',
      f.now === undefined ? 'not said by the driver' : `transmit ${f.now.transmit}, receive ${f.now.receive}`,
    ],
    ...f.providers.map((p, i): [string, string] => [i === 0 ? 'providers' : '', describeProvider(p)]),
    ['hwtimestamp', f.reason === undefined ? `${USES[f.use]}${whose}` : `${USES[f.use]}${whose} (${f.reason})`],
  ];
  return `${f.name}\n${lines.map(([name, text]) => `  ${name.padEnd(12)} ${text}\n`).join('')}`;
};

interface Arguments {
  readonly name: string | undefined;
  readonly json: boolean;
  readonly test: boolean;
  readonly server: string | undefined;
}

const parseArguments = (argv: readonly string[]): Arguments | undefined => {
  const options = argv.filter((word) => word.startsWith('-'));
  const [name, server, ...rest] = argv.filter((word) => !word.startsWith('-'));
  const test = options.includes('--test');
  if (server !== undefined && parseIp(server) === undefined) return undefined;
  if (options.some((o) => o !== '--json' && o !== '--test') || rest.length > 0) return undefined;
  if ((test && name === undefined) || (server !== undefined && !test)) return undefined;
  return { name, json: options.includes('--json'), test, server };
};

/** What is not known is null. */
const toJson = (value: unknown): string =>
  `${JSON.stringify(value, (_, v: unknown) => (v === undefined ? null : v))}\n`;

const looked = (native: Native, { name, json }: Arguments, io: CliIo): number => {
  const all = name === undefined ? native.interfaces().map((i) => i.name) : [name];
  const facts = all.map((n) => factsOf(native, n));
  // Without a name: those that can, or could if somebody knew how.
  const shown = name === undefined ? facts.filter((f) => f.use !== 'none' || f.driver !== undefined) : facts;
  io.out(json ? toJson(facts) : shown.map(describe).join('\n'));
  if (!json && shown.length === 0) io.err('timeball: no network card here has hardware stamps\n');
  return facts.some((f) => f.use !== 'none') ? EXIT.OK : EXIT.NO_DATA;
};

/** As it was. */
const tellAgain = (
  native: Native,
  name: string,
  { txType, rxFilter }: NativeStampConfig,
  provider: NativeStampProvider | undefined,
): void => {
  const now = providersOf(native, name).find((p) => p.inForce);
  if (provider === undefined || isSame(provider, now)) native.setStampConfig(name, txType, rxFilter);
  else native.setStampProvider(name, provider.phcIndex, provider.qualifier, txType, rxFilter);
};

/**
 * Switches the card's stamps on as `hwtimestamp` would, sends requests, and switches back what was switched: a daemon that
 * runs keeps its own setting, because nothing has to be changed then.
 */
const tested = async (native: Native, { name, json, server }: Arguments, io: CliIo): Promise<number> => {
  const facts = factsOf(native, name!);
  if (facts.use === 'none') {
    io.err(`timeball: ${name}: ${facts.reason}\n`);
    return EXIT.NO_DATA;
  }
  const before = configOf(native, name!);
  const provider = providersOf(native, name!).find((p) => p.inForce);
  const { changed } = enableStamping(native, name!, ANYTHING);
  let seen: Probe;
  try {
    seen = await probe(native, name!, server);
  } finally {
    if (changed && before !== undefined) tellAgain(native, name!, before, provider);
  }
  const good =
    seen.sentByCard === seen.sent && (server === undefined || facts.use !== 'both' || seen.receivedByCard > 0);
  io.out(json ? toJson({ ...facts, test: seen }) : describe(facts) + figuresOf(seen, server));
  return good ? EXIT.OK : EXIT.FAILED;
};

/** Exit: 0 there is a card that stamps (with --test: and it did), 2 there is none, 1 the test failed, 64 usage. */
export const nic = async (native: Native, argv: readonly string[], io: CliIo): Promise<number> => {
  const args = parseArguments(argv);
  if (args === undefined) {
    io.err(USAGE);
    return EXIT.USAGE;
  }
  try {
    return args.test ? await tested(native, args, io) : looked(native, args, io);
  } catch (error) {
    io.err(`timeball: ${args.name ?? 'nic'}: ${messageOf(error)}\n`);
    return EXIT.FAILED;
  }
};
