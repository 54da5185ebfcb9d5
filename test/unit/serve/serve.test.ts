import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { SERVICE } from '../../../src/core/access/clients.js';
import { COUNTER } from '../../../src/core/ntp/counters.js';
import { SnapshotReader, SnapshotWriter } from '../../../src/core/ntp/snapshot.js';
import { serveLoop } from '../../../src/serve/loop.js';
import { mergeClients, serverStats } from '../../../src/serve/reports.js';
import { DEFAULT_RECORDS, newMemory, openTables, recordsFor } from '../../../src/serve/tables.js';
import { request } from '../../support/packets.js';
import { STATE, TestServer } from '../../support/server.js';

describe('serve loop', () => {
  it('answers in batches until control stops it, and looks at control in every round', () => {
    const s = new TestServer();
    for (let i = 0; i < 130; i++) s.transport.queue.push({ bytes: request(), from: [10, 0, 0, i], nsec: i });
    let rounds = 0;
    const control = { attend: () => rounds++ < 4 };
    serveLoop(s.transport, s.responder, new SnapshotReader(s.memory.snapshot), control);
    assert.deepEqual([rounds, s.transport.replies.length, s.tables.counters[COUNTER.batches]], [5, 130, 3]);
  });

  it('takes a new state with the next batch', () => {
    const s = new TestServer();
    assert.equal(s.ask(request())!.stratum, 1);
    s.publish({ ...STATE, stratum: 5 });
    assert.equal(s.ask(request())!.stratum, 5);
  });

  it('picks up a transmit stamp that came after its batch', () => {
    const s = new TestServer();
    const stamp = { hi: 1, lo: 1 };
    const first = s.ask(request({ receive: stamp }), { sec: 1_800_000_000 })!;
    const drain = s.transport.drainTxStamps.bind(s.transport);
    s.transport.drainTxStamps = () => 0;
    const second = s.ask(request({ origin: first.receive, receive: stamp }), { sec: 1_800_000_001 })!;
    s.transport.drainTxStamps = drain;
    s.exchange();
    s.ask(request({ origin: second.receive, receive: stamp }), { sec: 1_800_000_002 });
    assert.deepEqual([s.tables.counters[COUNTER.txStamps], s.tables.counters[COUNTER.kernelTx]], [2, 1]);
  });
});

describe('shared tables', () => {
  it('client log limits become powers of two, as chrony counts them', () => {
    assert.equal(recordsFor(undefined), DEFAULT_RECORDS);
    assert.equal(recordsFor(524288), 4096);
    assert.equal(recordsFor(0), 256);
    assert.equal(recordsFor(16 << 20), 1 << 17);
    assert.equal(recordsFor(2 ** 40), 1 << 24);
  });

  it('one memory, two views: what the worker writes, main reads', () => {
    const s = new TestServer();
    s.ask(request(), { from: [10, 0, 0, 9] });
    const other = openTables(s.memory);
    const found = other.clients!.lookup(Uint8Array.of(10, 0, 0, 9), false);
    assert.equal(other.clients!.report(found, 0)!.ntpHits, 1);
    assert.equal(serverStats([other], { cmdHits: 3, cmdDrops: 1, nkeHits: 0, nkeDrops: 0, lost: 2 }).ntpHits, 1);
  });

  it('adds up several workers', () => {
    const a = new TestServer();
    const b = new TestServer();
    for (const s of [a, b]) s.ask(request());
    const stats = serverStats([a.tables, b.tables], { cmdHits: 3, cmdDrops: 1, nkeHits: 0, nkeDrops: 0, lost: 2 });
    assert.deepEqual(
      [stats.ntpHits, stats.kernelRx, stats.daemonTx, stats.cmdHits, stats.cmdDrops, stats.logDrops],
      [2, 2, 2, 3, 1, 2],
    );
  });

  it('merges the lines of one client', () => {
    const { clients } = openTables(newMemory(256, true, 1, 2));
    const address = Uint8Array.of(10, 0, 0, 1);
    const record = clients!.lookup(address, true);
    clients!.hit(record, SERVICE.NTP, 16);
    const ntp = clients!.report(record, 32)!;
    const cmd = { ...ntp, ntpHits: 0, cmdHits: 4, lastNtpAgo: 0xffffffff, lastCmdAgo: 7 };
    const both = mergeClients(ntp, cmd);
    assert.deepEqual([both.ntpHits, both.cmdHits, both.lastNtpAgo, both.lastCmdAgo], [1, 4, 1, 7]);
  });
});

describe('snapshot', () => {
  it('carries the whole state across', () => {
    const memory = newMemory(256, false, 1, 2);
    const reader = new SnapshotReader(memory.snapshot);
    reader.refresh();
    assert.deepEqual([reader.leap, reader.stratum], [3, 16], 'before anything was published');
    new SnapshotWriter(memory.snapshot).write(STATE);
    reader.refresh();
    assert.deepEqual(reader.toState(), STATE);
  });
});
