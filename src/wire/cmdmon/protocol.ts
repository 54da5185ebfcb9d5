/** cmdmon protocol, version 6: numbers that both sides share. */
export const VERSION = 6;
/** Clients of this version and above are told that their version is wrong; older ones are not answered. */
export const OLDEST_TOLD_VERSION = 5;
export const PACKET = { REQUEST: 1, REPLY: 2 } as const;

export const REQUEST_HEADER = 20;
export const REPLY_HEADER = 28;
/** Shorter or longer datagrams are not answered. */
export const MIN_REQUEST = 28;
export const MAX_REQUEST = 860;

export const STATUS = {
  SUCCESS: 0,
  FAILED: 1,
  UNAUTH: 2,
  INVALID: 3,
  NO_SUCH_SOURCE: 4,
  INVALID_TS: 5,
  NOT_ENABLED: 6,
  BAD_SUBNET: 7,
  ACCESS_ALLOWED: 8,
  ACCESS_DENIED: 9,
  NO_HOST_ACCESS: 10,
  SOURCE_ALREADY_KNOWN: 11,
  TOO_MANY_SOURCES: 12,
  NO_RTC: 13,
  BAD_RTC_FILE: 14,
  INACTIVE: 15,
  BAD_SAMPLE: 16,
  INVALID_AF: 17,
  BAD_PKT_VERSION: 18,
  BAD_PKT_LENGTH: 19,
  INVALID_NAME: 21,
} as const;
export type Status = (typeof STATUS)[keyof typeof STATUS];

/** What chronyc says for a status. */
export const STATUS_TEXT: Readonly<Record<Status, string>> = {
  [STATUS.SUCCESS]: '200 OK',
  [STATUS.FAILED]: '500 Failure',
  [STATUS.UNAUTH]: '501 Not authorised',
  [STATUS.INVALID]: '502 Invalid command',
  [STATUS.NO_SUCH_SOURCE]: '503 No such source',
  [STATUS.INVALID_TS]: '504 Duplicate or stale logon detected',
  [STATUS.NOT_ENABLED]: '505 Facility not enabled in daemon',
  [STATUS.BAD_SUBNET]: '507 Bad subnet',
  [STATUS.ACCESS_ALLOWED]: '208 Access allowed',
  [STATUS.ACCESS_DENIED]: '209 Access denied',
  [STATUS.NO_HOST_ACCESS]: '510 No command access from this host',
  [STATUS.SOURCE_ALREADY_KNOWN]: '511 Source already present',
  [STATUS.TOO_MANY_SOURCES]: '512 Too many sources present',
  [STATUS.NO_RTC]: '513 RTC driver not running',
  [STATUS.BAD_RTC_FILE]: "514 Can't write RTC parameters",
  [STATUS.INACTIVE]: '519 Client logging is not active in the daemon',
  [STATUS.BAD_SAMPLE]: '516 Sample index out of range',
  [STATUS.INVALID_AF]: '515 Invalid address family',
  [STATUS.BAD_PKT_VERSION]: '517 Protocol version mismatch',
  [STATUS.BAD_PKT_LENGTH]: '518 Packet length mismatch',
  [STATUS.INVALID_NAME]: '521 Invalid name',
};

export const statusText = (status: number): string =>
  STATUS_TEXT[status as Status] ?? '520 Got unexpected error from daemon';

/** "Never" and "none" in fields that count seconds. */
export const NEVER = 0xffffffff;

/** MODIFY_SELECTOPTS mask, SELECT_DATA options. */
export const SELECT_OPTION = { NOSELECT: 1, PREFER: 2, TRUST: 4, REQUIRE: 8 } as const;

/** ADD_SOURCE flags; MODIFY_SELECTOPTS options use PREFER…REQUIRE of these, though its mask uses SELECT_OPTION. */
export const ADD_FLAG = {
  ONLINE: 0x1,
  AUTO_OFFLINE: 0x2,
  IBURST: 0x4,
  PREFER: 0x8,
  NOSELECT: 0x10,
  TRUST: 0x20,
  REQUIRE: 0x40,
  INTERLEAVED: 0x80,
  BURST: 0x100,
  NTS: 0x200,
  COPY: 0x400,
  EF_EXP_MONO_ROOT: 0x800,
  EF_EXP_NET_CORRECTION: 0x1000,
  IPV4: 0x2000,
  IPV6: 0x4000,
} as const;
