import { REQUESTS, type RequestName } from '../../wire/cmdmon/requests.js';

/** The words of `opencommands`, and the requests that each opens to the network. */
const OPEN: Readonly<Record<string, readonly RequestName[]>> = {
  activity: ['ACTIVITY'],
  authdata: ['N_SOURCES', 'AUTH_DATA'],
  clients: ['CLIENT_ACCESSES'],
  manual: ['MANUAL_LIST'],
  ntpdata: ['N_SOURCES', 'NTP_DATA'],
  rtcdata: ['RTCREPORT'],
  selectdata: ['N_SOURCES', 'SELECT_DATA'],
  serverstats: ['SERVER_STATS'],
  smoothing: ['SMOOTHING'],
  sourcename: ['NTP_SOURCE_NAME'],
  sources: ['N_SOURCES', 'SOURCE_DATA'],
  sourcestats: ['N_SOURCES', 'SOURCESTATS'],
  tracking: ['TRACKING'],
};

/** Request codes behind the names; unknown names (refused by the configuration before) open nothing. */
export const openCommandCodes = (names: readonly string[]): ReadonlySet<number> => {
  const codes = new Set<number>();
  for (const name of names) {
    if (!Object.hasOwn(OPEN, name)) continue;
    for (const request of OPEN[name]!) codes.add(REQUESTS[request].code);
  }
  return codes;
};
