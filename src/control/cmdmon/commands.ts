import { addressText } from '../../core/report/place.js';
import type { WireAddress } from '../../wire/cmdmon/fields.js';
import type { RequestValues } from '../../wire/cmdmon/packet.js';
import { ADD_FLAG, SELECT_OPTION, STATUS, type Status } from '../../wire/cmdmon/protocol.js';
import type { AccessChange, CmdmonContext, DaemonCommand, SourceRef } from './context.js';
import { NTP_SOURCE_COMMANDS } from './ntpsources.js';
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
      | 'trim-rtc'
      | 'writertc'
      | 'reload-sources'
      | 'reset-sources'
    >,
  ) =>
  (_: unknown, context: CmdmonContext): Status =>
    context.run({ name });

type LocalValues = RequestValues<'LOCAL2'> & Partial<RequestValues<'LOCAL'>>;

/** s that an orphan server waits when the client is too old to say it. */
const ORPHAN_WAIT = 300;
const MAX_STRATUM = 15;

const local = (values: LocalValues, context: CmdmonContext): Status => {
  if (values.enabled === 0) return context.run({ name: 'local', options: undefined });
  const { stratum, distance, activate = 0, waitSynced = 0 } = values;
  if (stratum < 1 || stratum > MAX_STRATUM) return STATUS.INVALID;
  const orphan = values.orphan !== 0;
  const waitunsynced = values.waitUnsynced ?? (orphan ? ORPHAN_WAIT : 0);
  const options = { stratum, orphan, distance, activate, waitsynced: waitSynced, waitunsynced };
  return context.run({ name: 'local', options });
};

const MANUAL = ['off', 'on', 'reset'] as const;
const SMOOTHTIME = ['reset', 'activate'] as const;

/** The word that a number stands for; a number without one is an invalid command. */
const worded =
  <A extends string>(words: readonly A[], act: (word: A, context: CmdmonContext) => Status) =>
  ({ option }: { readonly option: number }, context: CmdmonContext): Status => {
    const word = words[option];
    return word === undefined ? STATUS.INVALID : act(word, context);
  };

const setTime: Handlers['SETTIME'] = ({ time }, context) => {
  const done = context.setTime(time);
  if (typeof done === 'number') return done;
  return { offsetFast: done.offsetFast, freqChangePpm: done.freqChangeFastPpm, newFreqPpm: done.freqFastPpm };
};

/** Family "unspecified": a reference clock, by its refid. */
const toSource = ({ address, refId }: { readonly address: WireAddress; readonly refId: number }): SourceRef =>
  address === undefined ? { refId } : { address: addressText(address) };

/** The mask and the options number the same four words differently (cmdmon 10). */
const SELECT_WORDS = [
  ['noselect', SELECT_OPTION.NOSELECT, ADD_FLAG.NOSELECT],
  ['prefer', SELECT_OPTION.PREFER, ADD_FLAG.PREFER],
  ['trust', SELECT_OPTION.TRUST, ADD_FLAG.TRUST],
  ['require', SELECT_OPTION.REQUIRE, ADD_FLAG.REQUIRE],
] as const;

const selectOptions: Handlers['MODIFY_SELECTOPTS'] = (values, context) => {
  const source = toSource(values);
  const named = SELECT_WORDS.filter(([, mask]) => (values.mask & mask) !== 0);
  const change = Object.fromEntries(named.map(([word, , flag]) => [word, (values.options & flag) !== 0]));
  return context.run({ name: 'select-options', source, change });
};

const sourceOffset: Handlers['MODIFY_OFFSET'] = (values, context) => {
  const source = toSource(values);
  return context.run({ name: 'source-offset', source, offset: values.offset });
};

/** Requests that change something: full access only. */
export const READ_WRITE: Handlers = {
  ...NTP_SOURCE_COMMANDS,
  MODIFY_SELECTOPTS: selectOptions,
  MODIFY_OFFSET: sourceOffset,
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
  MANUAL: worded(MANUAL, (action, context) => context.run({ name: 'manual', action })),
  MANUAL_DELETE: ({ index }, context) => context.run({ name: 'manual-delete', index }),
  SETTIME: setTime,
  SMOOTHTIME: worded(SMOOTHTIME, (action, context) =>
    context.smoothing() === undefined ? STATUS.NOT_ENABLED : context.run({ name: 'smoothtime', action }),
  ),
  LOCAL2: local,
  LOCAL: local,
  DFREQ: ({ value }, context) => context.run({ name: 'change-frequency', freqFastPpm: value }),
  DOFFSET: ({ value }, context) => context.run({ name: 'change-offset', offsetFast: value }),
  WRITERTC: run('writertc'),
  TRIMRTC: run('trim-rtc'),
};
