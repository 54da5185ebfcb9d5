import { formatIp, parseIp } from '../../base/ip.js';
import type { AccessChange, DaemonCommand, SourceChange } from '../../control/cmdmon/context.js';
import { placeText } from '../../core/report/place.js';
import type { Engine } from '../../engine/engine.js';

const CHANGES: Readonly<Record<keyof SourceChange, (value: number) => string>> = {
  minpoll: String,
  maxpoll: String,
  maxdelay: (v) => v.toFixed(6),
  maxdelayratio: (v) => v.toFixed(6),
  maxdelaydevratio: (v) => v.toFixed(6),
  minstratum: String,
  polltarget: String,
};

const changed = (address: string, change: SourceChange): readonly string[] =>
  Object.entries(change).map(([name, value]) => {
    return `Source ${address} new ${name} ${CHANGES[name as keyof SourceChange](value as number)}`;
  });

/** What chronyd's journal says of a command that was obeyed; what the engine tells itself is not told here. */
export const commandTexts = (command: DaemonCommand): readonly string[] => {
  switch (command.name) {
    case 'set-makestep':
      return [`New makestep ${command.threshold.toFixed(6)} ${command.limit}`];
    case 'max-update-skew':
      return [`New maxupdateskew ${command.skewPpm.toFixed(6)} ppm`];
    case 'reselect-distance':
      return [`New reselect distance ${command.distance.toFixed(6)}`];
    case 'change-source':
      return changed(command.address, command.change);
    case 'reset-sources':
      return ['Reset all sources'];
    default:
      return [];
  }
};

/** What is known of the sources at the moment. */
type Sources = Pick<Engine, 'sourceName' | 'unresolved'>;

/** Places of a name that has no address yet, as chronyc writes them. */
const places = (name: string, sources: Sources): readonly string[] =>
  sources.unresolved().flatMap((u) => (u.name === name ? [placeText(u.id)] : []));

/** Of a source that is there now, by its address or by its name; not the places that were there before. */
export const sourceTexts = (
  what: 'Added' | 'Removed',
  source: string,
  sources: Sources,
  known: ReadonlySet<string> = new Set(),
): readonly string[] => {
  if (source.startsWith('ID#')) {
    const found = sources.unresolved().find(({ id }) => placeText(id) === source);
    return [`${what} source ${source} (${found?.name ?? source})`];
  }
  if (parseIp(source) === undefined)
    return places(source, sources)
      .filter((id) => !known.has(id))
      .map((id) => `${what} source ${id} (${source})`);
  const name = sources.sourceName(source) ?? source;
  return [`${what} source ${source}${name === source ? '' : ` (${name})`}`];
};

/** The same of a change of who may ask. */
export const accessText = ({ table, allow, all, subnet }: AccessChange): string => {
  const what = `${allow ? 'Allowed' : 'Denied'} ${all ? 'all ' : ''}${table === 'ntp' ? 'NTP' : 'command'} access`;
  if (subnet === undefined) return `${what} from any address`;
  const { address, bits } = subnet;
  return `${what} from ${formatIp(address)}${bits === address.length * 8 ? '' : `/${bits}`}`;
};

/** And of sources that have gone online or offline: the addresses of before and after. */
export const connectionTexts = (before: ReadonlySet<string>, after: ReadonlySet<string>): readonly string[] => [
  ...[...after].filter((a) => !before.has(a)).map((a) => `Source ${a} online`),
  ...[...before].filter((a) => !after.has(a)).map((a) => `Source ${a} offline`),
];
