import { formatIp, parseIp } from '../../base/ip.js';
import type { Config, NtpSourceConfig } from '../../conf/config.js';

/** What a source asks for that this version cannot do, in words; undefined = nothing. Such a source is not used at all. */
export const unsupported = (options: NtpSourceConfig): string | undefined => {
  if (options.nts) return 'NTS';
  return undefined;
};

/** Directives about NTP sources that have no effect, in this version or beside others. */
export const ignored = (config: Config): readonly string[] => [
  ...(needsPort(config) && config.server.port === 0
    ? ['peer and broadcast need the NTP port, which port 0 closes']
    : []),
];

/** Peers at the port for PTP messages are spoken to from there. */
const needsPort = ({ server, sources, hardware }: Config): boolean =>
  server.broadcasts.length > 0 || sources.some(({ kind, port }) => kind === 'peer' && port !== hardware.ptpport);

/** One and the same address may be written in many ways. */
const addressOf = (name: string): string | undefined => {
  const bytes = parseIp(name);
  return bytes === undefined ? undefined : formatIp(bytes);
};

/** The sources that can be used; what is wrong with the others goes to `say`. `why`: what chronyd adds for a name used twice. */
export const usable = (
  sources: readonly NtpSourceConfig[],
  say: (text: string) => void,
  why = '',
): readonly NtpSourceConfig[] => {
  const addresses = new Set<string>();
  return sources.filter((source) => {
    const lacks = unsupported(source);
    if (lacks !== undefined) say(`Source ${source.name} is not used: it needs ${lacks}, which this version lacks`);
    const address = addressOf(source.name);
    const twice = address !== undefined && addresses.has(address);
    if (twice) say(`Could not add source ${source.name}${why}`);
    if (address !== undefined) addresses.add(address);
    return lacks === undefined && !twice;
  });
};
