import { NOT_NEGATIVE, POSITIVE } from '../args.js';
import { type Directive, scalars } from '../table.js';

const s = scalars('Source selection');

const AUTH_MODES = ['require', 'prefer', 'mix', 'ignore'] as const;

export const SELECTION_DIRECTIVES: readonly Directive[] = [
  {
    name: 'authselectmode',
    group: 'Source selection',
    syntax: 'require|prefer|mix|ignore',
    default: 'mix',
    doc: 'How authenticated and unauthenticated NTP sources are mixed in the selection.',
    parse: (args, draft) => {
      const word = args.word().toLowerCase();
      const mode = AUTH_MODES.find((m) => m === word);
      if (mode === undefined || args.left > 0) throw args.unparsable(`the modes are ${AUTH_MODES.join(', ')}`);
      draft.client.authselectmode = mode;
    },
  },
  s.decimal(
    {
      name: 'combinelimit',
      syntax: 'RATIO',
      default: '3',
      doc: 'Sources up to so many times the distance of the selected one are combined with it; 0 = none.',
    },
    (d, v) => {
      d.selection.combinelimit = v;
    },
  ),
  s.decimal(
    { name: 'maxdistance', default: '3', doc: 'Greatest root distance of a source that may be selected.' },
    (d, v) => {
      d.selection.maxdistance = v;
    },
  ),
  s.decimal(
    { name: 'maxjitter', default: '1', doc: 'Greatest standard deviation of a source that may be selected.' },
    (d, v) => {
      d.selection.maxjitter = v;
    },
  ),
  s.int(
    { name: 'minsources', default: '1', doc: 'The clock is updated only when so many sources can be selected.' },
    (d, v) => {
      d.selection.minsources = v;
    },
    POSITIVE,
  ),
  s.int(
    { name: 'minstratum', default: '0', doc: 'Lowest stratum of a source that may be selected.' },
    (d, v) => {
      d.selection.minstratum = v;
    },
    NOT_NEGATIVE,
  ),
  s.int(
    { name: 'maxstratum', default: '15', doc: 'Highest stratum of a source that may be selected.' },
    (d, v) => {
      d.selection.maxstratum = v;
    },
    NOT_NEGATIVE,
  ),
  s.decimal(
    {
      name: 'reselectdist',
      default: '0.0001',
      doc: 'Added to the distance of NTP sources, so that the selection does not flap.',
    },
    (d, v) => {
      d.selection.reselectdist = v;
    },
  ),
  s.decimal(
    { name: 'stratumweight', default: '0.001', doc: 'Distance added for each stratum in the selection.' },
    (d, v) => {
      d.selection.stratumweight = v;
    },
  ),
];
