/**
 * What is read, checked and kept, but has no effect yet, and the capability that it waits for. Everything else in the
 * tables of the language works; a test looks for the code that uses it.
 */
const NTS = 'NTS';

export const WAITING_DIRECTIVES: Readonly<Record<string, string>> = {
  ntpsigndsocket: 'signing for Samba',
  httpport: 'the HTTP door',
  ntsservercert: NTS,
  ntsserverkey: NTS,
  ntsport: NTS,
  ntsprocesses: NTS,
  maxntsconnections: NTS,
  ntsdumpdir: NTS,
  ntscachedir: NTS,
  ntsntpserver: NTS,
  ntsrotate: NTS,
  ntsrefresh: NTS,
  ntsaeads: NTS,
  ntsratelimit: NTS,
  ntstrustedcerts: NTS,
  nosystemcert: NTS,
  nocerttimecheck: NTS,
};

/** Options, by directive and option. */
export const WAITING_OPTIONS: Readonly<Record<string, string>> = {
  'server nts': NTS,
  'server ntsport': NTS,
  'server certset': NTS,
};
