import type { Config, NtpSourceConfig } from '../../conf/config.js';

/** What a source asks for that this version cannot do, in words; undefined = nothing. Such a source is not used at all. */
export const unsupported = (options: NtpSourceConfig): string | undefined => {
  if (options.kind === 'peer') return 'symmetric mode';
  if (options.nts) return 'NTS';
  if (options.copy) return 'copy';
  return undefined;
};

/** Directives about NTP sources that have no effect in this version. */
export const ignored = (config: Config): readonly string[] => [
  ...(config.server.broadcasts.length === 0 ? [] : ['broadcast has no effect in this version']),
];

/** The sources that can be used; what is wrong with the others goes to `say`. */
export const usable = (sources: readonly NtpSourceConfig[], say: (text: string) => void): readonly NtpSourceConfig[] =>
  sources.filter((source) => {
    const lacks = unsupported(source);
    if (lacks !== undefined) say(`Source ${source.name} is not used: it needs ${lacks}, which this version lacks`);
    return lacks === undefined;
  });
