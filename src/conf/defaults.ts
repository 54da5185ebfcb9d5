import type {
  ClientConfig,
  ClockConfig,
  CommandConfig,
  Config,
  DisciplineOptions,
  HardwareConfig,
  LocalOptions,
  LogConfig,
  NtpSourceConfig,
  NtsConfig,
  ProcessConfig,
  RateLimit,
  RefclockOptions,
  RtcConfig,
  SelectionOptions,
  ServerConfig,
} from './config.js';

/** Who the daemon was called as decides where its socket and its pid file are: a link named chronyd uses chrony's. */
export interface ConfigContext {
  readonly chronyNames: boolean;
}

export const SELECTION_DEFAULTS: SelectionOptions = {
  combinelimit: 3,
  maxdistance: 3,
  maxjitter: 1,
  minsources: 1,
  reselectdist: 1e-4,
  stratumweight: 1e-3,
  minstratum: 0,
  maxstratum: 15,
  minsamples: 6,
  maxsamples: 0,
};

export const DISCIPLINE_DEFAULTS: DisciplineOptions = {
  makestep: undefined,
  maxslewratePpm: 1e6 / 12,
  maxupdateskewPpm: 1000,
  maxdriftPpm: 100000,
  maxclockerrorPpm: 1,
  corrtimeratio: 3,
  maxchange: undefined,
  leapsecmode: 'system',
  logchange: 1,
};

/** `local` without options; `orphan` raises waitunsynced to 300 s unless that is given. */
export const LOCAL_DEFAULTS: LocalOptions = {
  stratum: 10,
  orphan: false,
  distance: 1,
  activate: 0,
  waitsynced: 0,
  waitunsynced: 0,
};

export const REFCLOCK_DEFAULTS: RefclockOptions = {
  driver: 'PPS',
  parameter: '',
  driverOptions: {},
  poll: 4,
  dpoll: 0,
  refid: '',
  lock: '',
  rate: 1,
  maxlockage: 2,
  width: 0,
  pps: false,
  offset: 0,
  offsetGiven: false,
  delay: 1e-9,
  delayGiven: false,
  stratum: 0,
  precision: 0,
  maxdispersion: 0,
  filter: 64,
  prefer: false,
  noselect: false,
  trust: false,
  require: false,
  tai: false,
  local: false,
  minsamples: -1,
  maxsamples: -1,
  maxunreach: 100000,
};

export const SOURCE_DEFAULTS: NtpSourceConfig = {
  kind: 'server',
  name: '',
  port: 123,
  minpoll: 6,
  maxpoll: 10,
  iburst: false,
  burst: false,
  key: 0,
  nts: false,
  ntsport: 4460,
  certset: 0,
  maxdelay: 3,
  maxdelayratio: 0,
  maxdelaydevratio: 10,
  maxdelayquant: 0,
  mindelay: 0,
  asymmetry: 1,
  offset: 0,
  minsamples: -1,
  maxsamples: -1,
  filter: 0,
  maxunreach: 100000,
  connectivity: 'online',
  prefer: false,
  noselect: false,
  trust: false,
  require: false,
  xleave: false,
  polltarget: 8,
  presend: 100,
  minstratum: 0,
  version: 4,
  extfields: [],
  copy: false,
  family: undefined,
  maxsources: 4,
};

const CLOCK: ClockConfig = {
  driftfile: undefined,
  rtcsync: false,
  leapsectz: undefined,
  leapseclist: undefined,
  clockprecision: undefined,
  fallbackdrift: undefined,
  smoothtime: undefined,
  tempcomp: undefined,
  tempsensor: undefined,
  manual: false,
  initstepslew: undefined,
};

const RTC: RtcConfig = {
  rtcfile: undefined,
  rtcdevice: '/dev/rtc',
  rtcautotrim: 0,
  rtconutc: false,
  hwclockfile: '/etc/adjtime',
};

const SERVER: ServerConfig = {
  port: 123,
  bindaddress4: undefined,
  bindaddress6: undefined,
  binddevice: undefined,
  dscp: 0,
  access: [],
  clientloglimit: 524288,
  noclientlog: false,
  ratelimit: undefined,
  ntpsigndsocket: undefined,
  broadcasts: [],
  servethreads: 1,
};

const CLIENT: ClientConfig = {
  acquisitionport: undefined,
  bindacqaddress4: undefined,
  bindacqaddress6: undefined,
  bindacqdevice: undefined,
  refresh: 1209600,
  dumpdir: undefined,
  sourcedirs: [],
  authselectmode: 'mix',
  keyfile: undefined,
};

const HARDWARE: HardwareConfig = {
  hwtimestamp: [],
  hwtstimeout: 0.001,
  maxtxbuffers: 0,
  ptpport: 0,
  ptpdomain: 123,
  ptp4l: [],
};

const command = ({ chronyNames }: ConfigContext): CommandConfig => ({
  cmdport: 323,
  bindcmdaddress4: '127.0.0.1',
  bindcmdaddress6: '::1',
  bindcmddevice: undefined,
  socket: chronyNames ? '/var/run/chrony/chronyd.sock' : '/run/timeball/timeballd.sock',
  access: [],
  cmdratelimit: undefined,
  opencommands: ['activity', 'manual', 'rtcdata', 'smoothing', 'sourcename', 'sources', 'sourcestats', 'tracking'],
  httpport: 0,
  clockboundfile: undefined,
});

export const NTP_RATELIMIT: RateLimit = { interval: 3, burst: 8, leak: 2, kod: 0 };
export const NTS_RATELIMIT: RateLimit = { interval: 6, burst: 8, leak: 2, kod: 0 };
export const CMD_RATELIMIT: RateLimit = { interval: -4, burst: 8, leak: 2, kod: 0 };

const NTS: NtsConfig = {
  certs: [],
  keys: [],
  port: 4460,
  processes: 1,
  maxconnections: 100,
  dumpdir: undefined,
  ntpserver: undefined,
  rotate: 604800,
  refresh: 2419200,
  aeads: [30, 15],
  ratelimit: undefined,
  trustedcerts: [],
  nosystemcert: false,
  nocerttimecheck: 0,
};

const LOGGING: LogConfig = {
  log: new Set(),
  logdir: undefined,
  logbanner: 32,
  eventlog: undefined,
  mailonchange: undefined,
};

const processDefaults = ({ chronyNames }: ConfigContext): ProcessConfig => ({
  pidfile: chronyNames ? '/var/run/chrony/chronyd.pid' : '/run/timeball/timeballd.pid',
  user: undefined,
  schedPriority: 0,
  lockAll: false,
});

/** The configuration that an empty file means. */
export const defaultConfig = (context: ConfigContext): Config => ({
  sources: [],
  refclocks: [],
  selection: SELECTION_DEFAULTS,
  discipline: DISCIPLINE_DEFAULTS,
  local: undefined,
  clock: CLOCK,
  rtc: RTC,
  server: SERVER,
  client: CLIENT,
  hardware: HARDWARE,
  command: command(context),
  nts: NTS,
  logging: LOGGING,
  process: processDefaults(context),
  warnings: [],
});
