import type { RequestValues } from '../../wire/cmdmon/packet.js';
import { STATUS, type Status } from '../../wire/cmdmon/protocol.js';
import type { AccessChange, CmdmonContext, DaemonCommand } from './context.js';
import type { Handlers } from './readonly.js';

type SubnetValues = RequestValues<'ALLOW'>;

/** Undefined: not a subnet. Family "unspecified" with no bits is everything. */
const toSubnet = ({ address, bits }: SubnetValues): { readonly subnet: AccessChange['subnet'] } | undefined => {
  if (address === undefined) return bits === 0 ? { subnet: undefined } : undefined;
  if (typeof address === 'number' || bits < 0 || bits > address.length * 8) return undefined;
  return { subnet: { address, bits } };
};

const access =
  (rule: Omit<AccessChange, 'subnet'>) =>
  (values: SubnetValues, context: CmdmonContext): Status => {
    const found = toSubnet(values);
    if (found === undefined) return STATUS.BAD_SUBNET;
    context.changeAccess({ ...rule, ...found });
    return STATUS.SUCCESS;
  };

const run =
  (
    name: Extract<
      DaemonCommand['name'],
      | 'makestep'
      | 'reselect'
      | 'cyclelogs'
      | 'rekey'
      | 'dump'
      | 'shutdown'
      | 'refresh'
      | 'onoffline'
      | 'reload-sources'
      | 'reset-sources'
    >,
  ) =>
  (_: unknown, context: CmdmonContext): Status =>
    context.run({ name });

const always = (status: Status) => (): Status => status;
const noSuchSource = always(STATUS.NO_SUCH_SOURCE);
const notEnabled = always(STATUS.NOT_ENABLED);

/** Requests that change something: full access only. What names an NTP source finds none yet. */
export const READ_WRITE: Handlers = {
  ONLINE: noSuchSource,
  OFFLINE: noSuchSource,
  BURST: noSuchSource,
  MODIFY_MINPOLL: noSuchSource,
  MODIFY_MAXPOLL: noSuchSource,
  MODIFY_MAXDELAY: noSuchSource,
  MODIFY_MAXDELAYRATIO: noSuchSource,
  MODIFY_MAXDELAYDEVRATIO: noSuchSource,
  MODIFY_MINSTRATUM: noSuchSource,
  MODIFY_POLLTARGET: noSuchSource,
  MODIFY_SELECTOPTS: notEnabled,
  MODIFY_OFFSET: notEnabled,
  ADD_SOURCE: notEnabled,
  DEL_SOURCE: noSuchSource,
  ALLOW: access({ table: 'ntp', allow: true, all: false }),
  ALLOWALL: access({ table: 'ntp', allow: true, all: true }),
  DENY: access({ table: 'ntp', allow: false, all: false }),
  DENYALL: access({ table: 'ntp', allow: false, all: true }),
  CMDALLOW: access({ table: 'cmd', allow: true, all: false }),
  CMDALLOWALL: access({ table: 'cmd', allow: true, all: true }),
  CMDDENY: access({ table: 'cmd', allow: false, all: false }),
  CMDDENYALL: access({ table: 'cmd', allow: false, all: true }),
  MAKESTEP: run('makestep'),
  MODIFY_MAKESTEP: ({ limit, threshold }, context) => context.run({ name: 'set-makestep', limit, threshold }),
  RESELECT: run('reselect'),
  RESELECTDISTANCE: ({ value }, context) => context.run({ name: 'reselect-distance', distance: value }),
  MODIFY_MAXUPDATESKEW: ({ value }, context) => context.run({ name: 'max-update-skew', skewPpm: value }),
  CYCLELOGS: run('cyclelogs'),
  REKEY: run('rekey'),
  DUMP: run('dump'),
  SHUTDOWN: run('shutdown'),
  REFRESH: run('refresh'),
  ONOFFLINE: run('onoffline'),
  RELOAD_SOURCES: run('reload-sources'),
  RESET_SOURCES: run('reset-sources'),
  MANUAL: notEnabled,
  MANUAL_DELETE: always(STATUS.BAD_SAMPLE),
  SETTIME: notEnabled,
  SMOOTHTIME: notEnabled,
  LOCAL2: notEnabled,
  LOCAL: notEnabled,
  DFREQ: notEnabled,
  DOFFSET: notEnabled,
  WRITERTC: always(STATUS.NO_RTC),
  TRIMRTC: always(STATUS.NO_RTC),
};
