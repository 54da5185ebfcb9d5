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

const needsPort = ({ server, sources }: Config): boolean =>
  server.broadcasts.length > 0 || sources.some((source) => source.kind === 'peer');

/** The sources that can be used; what is wrong with the others goes to `say`. */
export const usable = (sources: readonly NtpSourceConfig[], say: (text: string) => void): readonly NtpSourceConfig[] =>
  sources.filter((source) => {
    const lacks = unsupported(source);
    if (lacks !== undefined) say(`Source ${source.name} is not used: it needs ${lacks}, which this version lacks`);
    return lacks === undefined;
  });
