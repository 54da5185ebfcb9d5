import { COUNTER } from '../core/ntp/counters.js';
import type { ClientReport, ServerStatsReport } from '../core/report/reports.js';
import type { PlaneTables } from './tables.js';

const sum = (tables: readonly PlaneTables[], of: (t: PlaneTables) => number): number =>
  tables.reduce((total, t) => total + of(t), 0);

/** The workers' counters and the door's own added up. `cmd`: hits and drops of the command ports (and key exchange). */
export const serverStats = (
  tables: readonly PlaneTables[],
  cmd: Pick<ServerStatsReport, 'cmdHits' | 'cmdDrops' | 'nkeHits' | 'nkeDrops'> & { readonly lost: number },
): ServerStatsReport => {
  const count = (index: number): number => sum(tables, (t) => t.counters[index]!);
  return {
    ntpHits: count(COUNTER.hits),
    nkeHits: cmd.nkeHits,
    cmdHits: cmd.cmdHits,
    ntpDrops: count(COUNTER.drops),
    nkeDrops: cmd.nkeDrops,
    cmdDrops: cmd.cmdDrops,
    logDrops: cmd.lost + sum(tables, (t) => t.clients?.lost ?? 0),
    ntpAuthHits: count(COUNTER.authenticated),
    ntpInterleavedHits: count(COUNTER.interleaved),
    ntpTimestamps: sum(tables, (t) => t.ring?.held ?? 0),
    ntpSpanSeconds: tables.reduce((span, t) => Math.max(span, t.ring?.spanSeconds ?? 0), 0),
    daemonRx: count(COUNTER.daemonRx),
    daemonTx: count(COUNTER.daemonTx),
    kernelRx: count(COUNTER.kernelRx),
    kernelTx: count(COUNTER.kernelTx),
    hardwareRx: count(COUNTER.hardwareRx),
    hardwareTx: count(COUNTER.hardwareTx),
  };
};

/** One client seen by two tables (NTP in a worker's, commands in main's) is one line. */
export const mergeClients = (a: ClientReport, b: ClientReport): ClientReport => ({
  address: a.address,
  ntpHits: a.ntpHits + b.ntpHits,
  nkeHits: a.nkeHits + b.nkeHits,
  cmdHits: a.cmdHits + b.cmdHits,
  ntpDrops: a.ntpDrops + b.ntpDrops,
  nkeDrops: a.nkeDrops + b.nkeDrops,
  cmdDrops: a.cmdDrops + b.cmdDrops,
  ntpIntervalLog2: Math.min(a.ntpIntervalLog2, b.ntpIntervalLog2),
  nkeIntervalLog2: Math.min(a.nkeIntervalLog2, b.nkeIntervalLog2),
  cmdIntervalLog2: Math.min(a.cmdIntervalLog2, b.cmdIntervalLog2),
  ntpTimeoutIntervalLog2: Math.min(a.ntpTimeoutIntervalLog2, b.ntpTimeoutIntervalLog2),
  lastNtpAgo: Math.min(a.lastNtpAgo, b.lastNtpAgo),
  lastNkeAgo: Math.min(a.lastNkeAgo, b.lastNkeAgo),
  lastCmdAgo: Math.min(a.lastCmdAgo, b.lastCmdAgo),
});
