import type { IpBytes } from '../../base/ip.js';
import { addressText, type SourceMatch } from '../../core/report/place.js';
import type { WireAddress } from '../../wire/cmdmon/fields.js';
import type { RequestValues } from '../../wire/cmdmon/packet.js';
import { STATUS, type Status } from '../../wire/cmdmon/protocol.js';
import { ADD_SOURCE_TYPE } from '../../wire/cmdmon/requests.js';
import type { CmdmonContext, SourceChange } from './context.js';
import type { Handlers } from './readonly.js';
import { unresolvedAt } from './unresolved.js';

/** The sources that a request means: undefined = all; false = an address that is none. */
const toMatch = (values: { readonly mask: WireAddress; readonly address: WireAddress }): SourceMatch | false => {
  const { address, mask } = values;
  if (address === undefined) return undefined;
  if (!(address instanceof Uint8Array)) return address;
  if (mask === undefined) return { address, mask: new Uint8Array(address.length).fill(255) };
  return mask instanceof Uint8Array && mask.length === address.length ? { address, mask } : false;
};

const connect =
  (name: 'online' | 'offline') =>
  (values: RequestValues<'ONLINE'>, context: CmdmonContext): Status => {
    const match = toMatch(values);
    return match === false ? STATUS.NO_SUCH_SOURCE : context.run({ name, match });
  };

const burst = (values: RequestValues<'BURST'>, context: CmdmonContext): Status => {
  const match = toMatch(values);
  if (match === false) return STATUS.NO_SUCH_SOURCE;
  // chronyd takes any two numbers; a burst of nothing is none.
  const total = Math.max(0, values.total);
  return context.run({ name: 'burst', good: Math.min(total, Math.max(0, values.good)), total, match });
};

/** What becomes of a number that is out of range: chronyd takes no offence, but clamps or ignores it. */
type Fit = (value: number) => number | undefined;
const poll: Fit = (value) => (value >= -7 && value <= 24 ? value : undefined);
const clamped =
  (min: number, max: number): Fit =>
  (value) =>
    Math.min(max, Math.max(min, value));

const change =
  (name: keyof SourceChange, fit: Fit) =>
  (values: { readonly address: WireAddress; readonly value: number }, context: CmdmonContext): Status => {
    const { address } = values;
    if (address === undefined) return STATUS.NO_SUCH_SOURCE;
    const value = fit(values.value);
    const wanted = value === undefined ? {} : { [name]: value };
    return context.run({ name: 'change-source', address: addressText(address), change: wanted });
  };

const isKnown = (address: IpBytes | number, context: CmdmonContext): boolean =>
  address instanceof Uint8Array || unresolvedAt(address, context) !== undefined;

const remove: Handlers['DEL_SOURCE'] = ({ address }, context) => {
  if (address === undefined || !isKnown(address, context)) return STATUS.NO_SUCH_SOURCE;
  return context.run({ name: 'delete-source', address: addressText(address) });
};

const add: Handlers['ADD_SOURCE'] = (values, context) => {
  const { type, name } = values;
  if (type < ADD_SOURCE_TYPE.SERVER || type > ADD_SOURCE_TYPE.POOL) return STATUS.INVALID;
  return name === undefined || name === '' ? STATUS.INVALID_NAME : context.run({ name: 'add-source', values });
};

/** Requests that name or make NTP sources. */
export const NTP_SOURCE_COMMANDS: Handlers = {
  ONLINE: connect('online'),
  OFFLINE: connect('offline'),
  BURST: burst,
  MODIFY_MINPOLL: change('minpoll', poll),
  MODIFY_MAXPOLL: change('maxpoll', poll),
  MODIFY_MAXDELAY: change('maxdelay', clamped(0, 1000)),
  MODIFY_MAXDELAYRATIO: change('maxdelayratio', clamped(0, 1e6)),
  MODIFY_MAXDELAYDEVRATIO: change('maxdelaydevratio', clamped(0, 1e6)),
  MODIFY_MINSTRATUM: change('minstratum', clamped(0, 16)),
  MODIFY_POLLTARGET: change('polltarget', clamped(1, 1000)),
  ADD_SOURCE: add,
  DEL_SOURCE: remove,
};
