import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { fromUnix } from '../../../../src/base/time.js';
import type { CmdmonContext, CmdmonPeer } from '../../../../src/control/cmdmon/context.js';
import { handleRequest } from '../../../../src/control/cmdmon/door.js';
import { openCommandCodes } from '../../../../src/control/cmdmon/opencommands.js';
import {
  encodeRequest,
  type ReplyValues,
  type RequestValues,
  readReplyData,
  readReplyHeader,
} from '../../../../src/wire/cmdmon/packet.js';
import { STATUS } from '../../../../src/wire/cmdmon/protocol.js';
import type { ReplyName } from '../../../../src/wire/cmdmon/replies.js';
import { REQUESTS, type RequestName } from '../../../../src/wire/cmdmon/requests.js';
import {
  address,
  FAKE_CLIENTS,
  FAKE_NTP_DATA,
  FAKE_SOURCES,
  FAKE_TRACKING,
  fakeDaemon,
} from '../../../support/cmdmon.js';

const SMOOTHING = { active: true, leapOnly: true, offset: 1, freqPpm: 2, wanderPpm: 3, lastUpdateAgo: 4, remaining: 5 };
const EMPTY_SOURCE = {
  type: 0,
  name: '',
  port: 0,
  minpoll: 0,
  maxpoll: 0,
  presendMinpoll: 0,
  minStratum: 0,
  pollTarget: 0,
  version: 0,
  maxSources: 0,
  minSamples: 0,
  maxSamples: 0,
  keyId: 0,
  ntsPort: 0,
  maxDelay: 0,
  maxDelayRatio: 0,
  maxDelayDevRatio: 0,
  minDelay: 0,
  asymmetry: 0,
  offset: 0,
  flags: 0,
  filterLength: 0,
  certSet: 0,
  maxDelayQuantile: 0,
  maxUnreach: 0,
};

const UNIX: CmdmonPeer = { transport: 'unix' };
const LOCAL: CmdmonPeer = { transport: 'udp', address: address('127.0.0.1') };
const LOCAL6: CmdmonPeer = { transport: 'udp', address: address('::1') };
const FAR: CmdmonPeer = { transport: 'udp', address: address('203.0.113.5') };

const { context } = fakeDaemon();

const ask = <N extends RequestName>(
  name: N,
  values: RequestValues<N>,
  peer: CmdmonPeer = UNIX,
  ctx: CmdmonContext = context,
) => handleRequest(encodeRequest(name, values, 42), peer, ctx);

const statusOf = (reply: Uint8Array | undefined): number | undefined =>
  reply === undefined ? undefined : readReplyHeader(reply)?.status;

const data = <R extends ReplyName>(reply: Uint8Array | undefined, name: R): ReplyValues<R> => {
  assert.ok(reply !== undefined);
  assert.equal(readReplyHeader(reply)?.status, STATUS.SUCCESS);
  return readReplyData(name, reply);
};

const raw = (length: number, command: number, change: Readonly<Record<number, number>> = {}): Uint8Array => {
  const bytes = new Uint8Array(length);
  bytes.set([6, 1, 0, 0, command >> 8, command & 0xff]);
  for (const [at, value] of Object.entries(change)) bytes[Number(at)] = value;
  return bytes;
};

describe('control/cmdmon door: order of judgement', () => {
  const silent: readonly [string, Uint8Array][] = [
    ['27 bytes', raw(27, 14)],
    ['861 bytes', raw(861, 14)],
    ['a reply', raw(32, 14, { 1: 2 })],
    ['a reserved byte', raw(32, 14, { 2: 1 })],
    ['the other reserved byte', raw(32, 14, { 3: 1 })],
    ['version 4', raw(32, 14, { 0: 4 })],
  ];
  for (const [what, bytes] of silent) {
    it(`does not answer ${what}`, () => assert.equal(handleRequest(bytes, UNIX, context), undefined));
  }
  for (const version of [5, 7, 255]) {
    it(`tells version ${version} that it is wrong`, () => {
      const reply = handleRequest(raw(28, 14, { 0: version }), UNIX, context);
      assert.equal(statusOf(reply), STATUS.BAD_PKT_VERSION);
      assert.equal(reply?.[0], 6);
    });
  }
  for (const code of [200, 12, 10, 75, 0, 0xffff]) {
    it(`calls request ${code} invalid`, () =>
      assert.equal(statusOf(handleRequest(raw(860, code), UNIX, context)), STATUS.INVALID));
  }
  it('judges the code before the length, the length before the permission', () => {
    assert.equal(statusOf(handleRequest(raw(28, 200), LOCAL, context)), STATUS.INVALID);
    assert.equal(statusOf(handleRequest(raw(28, 33), LOCAL, context)), STATUS.BAD_PKT_LENGTH);
    assert.equal(statusOf(handleRequest(raw(28, 54), LOCAL, context)), STATUS.BAD_PKT_LENGTH);
  });
  it('accepts the longest datagram', () =>
    assert.equal(statusOf(handleRequest(raw(860, 33), UNIX, context)), STATUS.SUCCESS));
  it('echoes command and sequence', () => {
    const header = readReplyHeader(ask('N_SOURCES', {})!);
    assert.deepEqual(header, { version: 6, command: 14, reply: 2, status: 0, sequence: 42 });
  });
});

describe('control/cmdmon door: who may', () => {
  it('does not answer strangers, and does not count them', () => {
    const { context: ctx, recorded } = fakeDaemon();
    assert.equal(ask('TRACKING', {}, FAR, ctx), undefined);
    assert.equal(recorded.counted, 0);
  });
  it('answers them when cmdallow does', () => {
    const { context: ctx } = fakeDaemon({ accessAllowed: () => true });
    assert.equal(statusOf(ask('TRACKING', {}, FAR, ctx)), STATUS.SUCCESS);
  });
  it('asks the cmd table, not the ntp table', () => {
    const peer: CmdmonPeer = { transport: 'udp', address: address('192.0.2.1') };
    assert.equal(ask('TRACKING', {}, peer), undefined);
  });
  for (const peer of [LOCAL, LOCAL6]) {
    it('opens only the default reports to this host', () => {
      const open = new Set([44, 41, 35, 51, 65, 14, 15, 34, 33]);
      for (const name of Object.keys(REQUESTS) as RequestName[]) {
        const { code } = REQUESTS[name];
        const status = statusOf(handleRequest(raw(860, code), peer, context));
        assert.equal(status === STATUS.UNAUTH, !open.has(code), name);
      }
    });
  }
  it('opens what opencommands names, nothing else', () => {
    const { context: ctx } = fakeDaemon({ openCommands: openCommandCodes(['serverstats', 'no-such']) });
    assert.equal(statusOf(ask('SERVER_STATS', {}, LOCAL, ctx)), STATUS.SUCCESS);
    assert.equal(statusOf(ask('TRACKING', {}, LOCAL, ctx)), STATUS.UNAUTH);
  });
  it('never changes anything over UDP, not even for this host', () => {
    const { context: ctx, recorded } = fakeDaemon({ openCommands: new Set(Array.from({ length: 75 }, (_, i) => i)) });
    for (let code = 0; code < 75; code++) handleRequest(raw(860, code), LOCAL, ctx);
    assert.deepEqual([recorded.commands, recorded.changes], [[], []]);
    // The control: the same requests do change things over the UNIX socket.
    for (let code = 0; code < 75; code++) handleRequest(raw(860, code), UNIX, ctx);
    assert.ok(recorded.commands.length >= 12 && recorded.changes.length >= 8);
  });
  it('never calls a command unknown that the table has, over the UNIX socket', () => {
    // ADD_SOURCE without a kind of source and BURST of no measurements are invalid as such.
    const empty: readonly RequestName[] = ['ADD_SOURCE', 'BURST'];
    for (const name of (Object.keys(REQUESTS) as RequestName[]).filter((n) => !empty.includes(n))) {
      const status = statusOf(handleRequest(raw(860, REQUESTS[name].code), UNIX, context));
      assert.ok(status !== STATUS.UNAUTH && status !== STATUS.INVALID, name);
    }
  });
  it('drops what is over the rate limit, and exempts this host and the UNIX socket', () => {
    const { context: ctx, recorded } = fakeDaemon({ accessAllowed: () => true });
    ask('TRACKING', {}, FAR, ctx);
    ask('TRACKING', {}, LOCAL, ctx);
    ask('TRACKING', {}, UNIX, ctx);
    assert.deepEqual([recorded.counted, recorded.exempt], [3, 2]);
    const limited = fakeDaemon({ accessAllowed: () => true, countAccess: (_, exempt) => exempt });
    assert.equal(ask('TRACKING', {}, FAR, limited.context), undefined);
    assert.equal(statusOf(ask('TRACKING', {}, LOCAL, limited.context)), STATUS.SUCCESS);
  });
});

describe('control/cmdmon door: reports', () => {
  it('tracking: the last offset changes its sign, the current correction does not', () => {
    const t = data(ask('TRACKING', {}), 'TRACKING');
    assert.ok(Math.abs(t.lastOffset + FAKE_TRACKING.lastOffset) < 1e-14);
    assert.ok(Math.abs(t.currentCorrection - FAKE_TRACKING.currentCorrection) < 1e-13);
    assert.equal(t.referenceTime, FAKE_TRACKING.referenceTime);
    assert.equal(t.address, undefined);
  });
  it('sources: a refclock stands under its refid, "never" is all ones', () => {
    assert.equal(data(ask('N_SOURCES', {}), 'N_SOURCES').count, FAKE_SOURCES.length);
    const s = data(ask('SOURCE_DATA', { index: 2 }), 'SOURCE_DATA');
    assert.deepEqual([s.address, s.mode, s.state, s.sinceSample], [Uint8Array.of(0x58, 0, 0, 0), 2, 1, 0xffffffff]);
    assert.deepEqual(data(ask('SOURCE_DATA', { index: 3 }), 'SOURCE_DATA').address, address('192.0.2.1'));
    for (const name of ['SOURCE_DATA', 'SOURCESTATS', 'SELECT_DATA'] as const) {
      assert.equal(statusOf(ask(name, { index: FAKE_SOURCES.length })), STATUS.NO_SUCH_SOURCE);
      assert.equal(statusOf(ask(name, { index: 0xffffffff })), STATUS.NO_SUCH_SOURCE);
    }
  });
  it('selectdata: options as bits', () => {
    const s = data(ask('SELECT_DATA', { index: 2 }), 'SELECT_DATA');
    assert.deepEqual([s.configured, s.effective, s.state], [8, 4, 'M']);
  });
  it('NTP sources that are not there: as chronyd without NTP sources', () => {
    const unknown = { address: address('198.51.100.200') };
    assert.equal(statusOf(ask('NTP_DATA', unknown)), STATUS.NO_SUCH_SOURCE);
    assert.equal(statusOf(ask('NTP_SOURCE_NAME', unknown)), STATUS.NO_SUCH_SOURCE);
    assert.equal(statusOf(ask('AUTH_DATA', unknown)), STATUS.NO_SUCH_SOURCE);
    assert.equal(statusOf(ask('NTP_DATA', { address: 5 })), STATUS.NO_SUCH_SOURCE);
    assert.equal(statusOf(ask('NTP_DATA', { address: undefined })), STATUS.NO_SUCH_SOURCE);
    assert.equal(statusOf(ask('RTCREPORT', {})), STATUS.NO_RTC);
    assert.equal(statusOf(ask('SMOOTHING', {})), STATUS.NOT_ENABLED);
    assert.equal(data(ask('MANUAL_LIST', {}), 'MANUAL_LIST').count, 0);
  });
  it('authdata: the key of a source', () => {
    const a = data(ask('AUTH_DATA', { address: address('192.0.2.1') }), 'AUTH_DATA');
    assert.deepEqual([a.mode, a.keyId, a.keyType, a.keyLength, a.lastKeAgo], [1, 7, 13, 128, 0xffffffff]);
  });
  it('ntpdata: a source that has not answered yet', () => {
    const unheard = { ...FAKE_NTP_DATA, unheard: true as const, totalTx: 3 };
    const { context: ctx } = fakeDaemon({ ntpData: () => unheard });
    const d = data(ask('NTP_DATA', { address: address('192.0.2.1') }, UNIX, ctx), 'NTP_DATA');
    assert.deepEqual([d.mode, d.txSource, d.rxSource, d.totalTx], [0, '\0', '\0', 3]);
  });
  it('ntpdata: flags of tests and modes', () => {
    const d = data(ask('NTP_DATA', { address: address('192.0.2.1') }), 'NTP_DATA');
    assert.deepEqual([d.flags, d.txSource, d.rxSource, d.mode], [0x43fe, 'K', 'H', 4]);
  });
  it('serves the older layouts of serverstats and ntpdata to shorter requests', () => {
    const full = encodeRequest('SERVER_STATS', {}, 1);
    for (const [length, name] of [
      [196, 'SERVER_STATS'],
      [72, 'SERVER_STATS3'],
      [60, 'SERVER_STATS2'],
    ] as const) {
      const reply = handleRequest(full.subarray(0, length), UNIX, context);
      assert.equal(reply?.length, length);
      assert.equal(Number(data(reply, name).ntpHits), 1234567);
    }
    assert.equal(statusOf(handleRequest(full.subarray(0, 59), UNIX, context)), STATUS.BAD_PKT_LENGTH);
    const ntp = encodeRequest('NTP_DATA', { address: address('192.0.2.1') }, 1);
    const reply = handleRequest(ntp.subarray(0, 152), UNIX, context);
    assert.equal(reply?.length, 152);
    assert.equal(data(reply, 'NTP_DATA1').totalGoodRx, 21);
  });
});

describe('control/cmdmon door: clients', () => {
  const all = { firstIndex: 0, maxClients: 8, minHits: 0, reset: 0 };
  it('gives eight at a time over holes, and says where to go on', () => {
    const seen: number[] = [];
    let firstIndex = 0;
    for (let i = 0; i < 10 && firstIndex < FAKE_CLIENTS.length; i++) {
      const reply = data(ask('CLIENT_ACCESSES', { ...all, firstIndex }), 'CLIENT_ACCESSES');
      assert.ok(reply.count <= 8 && reply.nextIndex > firstIndex);
      seen.push(...reply.clients.slice(0, reply.count).map((c) => c.nkeHits));
      firstIndex = reply.nextIndex;
    }
    assert.deepEqual(
      seen,
      FAKE_CLIENTS.flatMap((c) => (c === undefined ? [] : [c.nkeHits])),
    );
  });
  it('caps what is asked for', () => {
    assert.equal(data(ask('CLIENT_ACCESSES', { ...all, maxClients: 1000 }), 'CLIENT_ACCESSES').count, 8);
    assert.equal(data(ask('CLIENT_ACCESSES', { ...all, maxClients: 3 }), 'CLIENT_ACCESSES').nextIndex, 3);
    assert.equal(data(ask('CLIENT_ACCESSES', { ...all, firstIndex: 0xffffffff }), 'CLIENT_ACCESSES').count, 0);
  });
  it('leaves out those below the wanted hits, and resets on request', () => {
    const { context: ctx, recorded } = fakeDaemon();
    const reply = data(ask('CLIENT_ACCESSES', { ...all, minHits: 2500, reset: 1 }, UNIX, ctx), 'CLIENT_ACCESSES');
    assert.deepEqual(
      reply.clients.slice(0, reply.count).map((c) => c.ntpHits),
      [4_000_000_000, 2500, 2600, 2800, 2900],
    );
    assert.ok(recorded.resets.includes(0) && recorded.resets.includes(29));
  });
  it('says when logging is off', () => {
    const { context: ctx } = fakeDaemon({ clients: () => undefined });
    assert.equal(statusOf(ask('CLIENT_ACCESSES', all, UNIX, ctx)), STATUS.INACTIVE);
  });
});

describe('control/cmdmon door: commands', () => {
  it('checks access in the right table', () => {
    const one = { address: address('192.0.2.9') };
    assert.equal(statusOf(ask('ACCHECK', one)), STATUS.ACCESS_ALLOWED);
    assert.equal(statusOf(ask('CMDACCHECK', one)), STATUS.ACCESS_DENIED);
    assert.equal(statusOf(ask('ACCHECK', { address: undefined })), STATUS.ACCESS_DENIED);
  });
  it('changes access rules', () => {
    const { context: ctx, recorded } = fakeDaemon();
    const subnet = { address: address('10.0.0.0'), bits: 8 };
    assert.equal(statusOf(ask('ALLOW', subnet, UNIX, ctx)), STATUS.SUCCESS);
    assert.equal(statusOf(ask('CMDDENYALL', { address: undefined, bits: 0 }, UNIX, ctx)), STATUS.SUCCESS);
    assert.deepEqual(recorded.changes, [
      { table: 'ntp', allow: true, all: false, subnet },
      { table: 'cmd', allow: false, all: true, subnet: undefined },
    ]);
  });
  const bad: readonly [Uint8Array | number | undefined, number][] = [
    [address('10.0.0.0'), 33],
    [address('10.0.0.0'), -1],
    [address('2001:db8::'), 129],
    [undefined, 1],
    [7, 0],
  ];
  for (const [where, bits] of bad) {
    it(`refuses ${String(where)}/${bits}`, () => {
      const { context: ctx, recorded } = fakeDaemon();
      assert.equal(statusOf(ask('DENY', { address: where, bits }, UNIX, ctx)), STATUS.BAD_SUBNET);
      assert.equal(recorded.changes.length, 0);
    });
  }
  it('hands commands on and gives back what became of them', () => {
    const { context: ctx, recorded } = fakeDaemon();
    assert.equal(statusOf(ask('MAKESTEP', {}, UNIX, ctx)), STATUS.FAILED);
    assert.equal(statusOf(ask('MODIFY_MAKESTEP', { threshold: 0.5, limit: -1 }, UNIX, ctx)), STATUS.SUCCESS);
    assert.equal(statusOf(ask('SHUTDOWN', {}, UNIX, ctx)), STATUS.SUCCESS);
    assert.deepEqual(recorded.commands, [
      { name: 'makestep' },
      { name: 'set-makestep', limit: -1, threshold: 0.5 },
      { name: 'shutdown' },
    ]);
  });
  it('feigns no success for what it lacks, or for a source that is not named', () => {
    const lacking: RequestName[] = ['ADD_SOURCE', 'SETTIME', 'SMOOTHTIME', 'DEL_SOURCE', 'MODIFY_MINPOLL'];
    for (const name of lacking) {
      const status = statusOf(handleRequest(raw(860, REQUESTS[name].code), UNIX, context));
      assert.ok(status !== STATUS.SUCCESS && status !== undefined, name);
    }
  });

  const commanded = <N extends RequestName>(name: N, values: RequestValues<N>) => {
    const { context: ctx, recorded } = fakeDaemon({ smoothing: () => SMOOTHING });
    return { status: statusOf(ask(name, values, UNIX, ctx)), commands: recorded.commands };
  };
  const LOCAL3 = { enabled: 1, stratum: 5, distance: 0.5, orphan: 1, activate: 0.25, waitSynced: 8, waitUnsynced: 16 };

  it('the real-time clock: its report, and the two commands on it', () => {
    assert.deepEqual(commanded('TRIMRTC', {}).commands, [{ name: 'trim-rtc' }]);
    assert.deepEqual(commanded('WRITERTC', {}).commands, [{ name: 'writertc' }]);
    const referenceTime = fromUnix(1_795_000_000);
    const { context: ctx } = fakeDaemon({
      rtc: () => ({ referenceTime, samples: 10, runs: 5, span: 549.7, fast: -1.5, gain: -107e-6 }),
    });
    const r = data(ask('RTCREPORT', {}, UNIX, ctx), 'RTC');
    assert.deepEqual([r.referenceTime, r.samples, r.runs, r.span, r.fastBy], [referenceTime, 10, 5, 549, -1.5]);
    assert.ok(Math.abs(r.gainPpm + 107) < 1e-4);
  });

  it("local: every word of the newest client, chrony's defaults for what an older one cannot say", () => {
    const newest = { stratum: 5, orphan: true, distance: 0.5, activate: 0.25, waitsynced: 8, waitunsynced: 16 };
    assert.deepEqual(commanded('LOCAL', LOCAL3).commands, [{ name: 'local', options: newest }]);
    const { enabled, stratum, distance, orphan } = LOCAL3;
    const older = { ...newest, activate: 0, waitsynced: 0, waitunsynced: 300 };
    assert.deepEqual(commanded('LOCAL2', { enabled, stratum, distance, orphan }).commands, [
      { name: 'local', options: older },
    ]);
    assert.deepEqual(commanded('LOCAL', { ...LOCAL3, enabled: 0 }).commands, [{ name: 'local', options: undefined }]);
    for (const wrong of [0, 16, -1]) {
      assert.equal(commanded('LOCAL', { ...LOCAL3, stratum: wrong }).status, STATUS.INVALID);
    }
  });

  it('numbers that stand for no word are invalid commands', () => {
    assert.deepEqual(commanded('MANUAL', { option: 2 }).commands, [{ name: 'manual', action: 'reset' }]);
    assert.equal(commanded('MANUAL', { option: 3 }).status, STATUS.INVALID);
    assert.deepEqual(commanded('SMOOTHTIME', { option: 1 }).commands, [{ name: 'smoothtime', action: 'activate' }]);
    assert.equal(commanded('SMOOTHTIME', { option: -1 }).status, STATUS.INVALID);
  });

  it('selectopts: mask and options number their bits differently', () => {
    const values = { address: undefined, refId: 0x47505300, mask: 1 | 4, options: 0x20 | 0x40 };
    assert.deepEqual(commanded('MODIFY_SELECTOPTS', values).commands, [
      { name: 'select-options', source: { refId: 0x47505300 }, change: { noselect: false, trust: true } },
    ]);
    const named = { ...values, address: address('192.0.2.1'), mask: 8, options: 0x40 };
    assert.deepEqual(commanded('MODIFY_SELECTOPTS', named).commands, [
      { name: 'select-options', source: { address: '192.0.2.1' }, change: { require: true } },
    ]);
    assert.deepEqual(commanded('MODIFY_SELECTOPTS', { ...named, address: 7 }).commands, [
      { name: 'select-options', source: { address: 'ID#0000000007' }, change: { require: true } },
    ]);
  });

  it('add: wrong kinds and names are told apart; what is right goes to the engine as it came', () => {
    const base = EMPTY_SOURCE;
    assert.equal(commanded('ADD_SOURCE', { ...base, type: 4, name: 'a' }).status, STATUS.INVALID);
    assert.equal(commanded('ADD_SOURCE', { ...base, type: 1, name: '' }).status, STATUS.INVALID_NAME);
    const pool = { ...base, type: 3, name: 'ntp.example' };
    const { status, commands } = commanded('ADD_SOURCE', pool);
    assert.equal(status, STATUS.SUCCESS);
    const [command] = commands;
    assert.ok(command?.name === 'add-source');
    assert.deepEqual([command.values.type, command.values.name], [3, 'ntp.example']);
  });

  it('settime: what it did, or why not', () => {
    const done = { offsetFast: 0.5, freqChangeFastPpm: -2, freqFastPpm: 8 };
    const { context: ctx } = fakeDaemon({ setTime: () => done });
    const reply = data(ask('SETTIME', { time: fromUnix(1_800_000_000) }, UNIX, ctx), 'MANUAL_TIMESTAMP');
    assert.deepEqual(reply, { offsetFast: 0.5, freqChangePpm: -2, newFreqPpm: 8 });
    assert.equal(statusOf(ask('SETTIME', { time: fromUnix(0) })), STATUS.NOT_ENABLED);
  });

  it('smoothing and the list of times set by hand', () => {
    const when = fromUnix(1_800_000_000);
    const sample = { when, slewedOffsetFast: 0.25, originalOffsetFast: -0.5, residual: 1 };
    const { context: ctx } = fakeDaemon({ smoothing: () => SMOOTHING, manualList: () => [sample] });
    assert.equal(data(ask('SMOOTHING', {}, UNIX, ctx), 'SMOOTHING').flags, 3);
    const list = data(ask('MANUAL_LIST', {}, UNIX, ctx), 'MANUAL_LIST');
    assert.equal(list.count, 1);
    assert.deepEqual(list.samples[0], { when, slewedOffset: 0.25, originalOffset: -0.5, residual: 1 });
  });
});

describe('names without an address', () => {
  const none = { noselect: true, prefer: false, trust: false, require: false };
  const place = {
    id: 3,
    name: 'ntp.example',
    mode: 'client',
    pollLog2: 7,
    keyId: 5,
    configured: none,
    online: true,
  } as const;
  const { context: waiting, recorded } = fakeDaemon({
    unresolved: () => [place],
    authData: (at) => (at === 3 ? { mode: 'symmetric', keyId: 5, key: undefined } : undefined),
  });
  const index = FAKE_SOURCES.length;

  it('stand behind the sources, with a number for an address', () => {
    assert.equal(data(ask('N_SOURCES', {}, UNIX, waiting), 'N_SOURCES').count, index + 1);
    const source = data(ask('SOURCE_DATA', { index }, UNIX, waiting), 'SOURCE_DATA');
    assert.deepEqual([source.address, source.pollLog2, source.reach, source.stratum], [3, 7, 0, 0]);
    assert.equal(data(ask('SOURCESTATS', { index }, UNIX, waiting), 'SOURCESTATS').stdDev, 4);
    const selected = data(ask('SELECT_DATA', { index }, UNIX, waiting), 'SELECT_DATA');
    assert.deepEqual([selected.address, selected.state, selected.authenticated, selected.configured], [3, 'M', 1, 1]);
    assert.equal(statusOf(ask('SOURCE_DATA', { index: index + 1 }, UNIX, waiting)), STATUS.NO_SUCH_SOURCE);
  });

  it('have a name, a key, and may be deleted by their number; another number is nobody', () => {
    assert.equal(data(ask('NTP_SOURCE_NAME', { address: 3 }, UNIX, waiting), 'NTP_SOURCE_NAME').name, 'ntp.example');
    assert.equal(data(ask('AUTH_DATA', { address: 3 }, UNIX, waiting), 'AUTH_DATA').keyId, 5);
    assert.equal(statusOf(ask('DEL_SOURCE', { address: 3 }, UNIX, waiting)), STATUS.SUCCESS);
    assert.deepEqual(recorded.commands, [{ name: 'delete-source', address: 'ID#0000000003' }]);
    assert.equal(statusOf(ask('DEL_SOURCE', { address: 4 }, UNIX, waiting)), STATUS.NO_SUCH_SOURCE);
    assert.equal(statusOf(ask('NTP_SOURCE_NAME', { address: 4 }, UNIX, waiting)), STATUS.NO_SUCH_SOURCE);
    assert.equal(statusOf(ask('AUTH_DATA', { address: 4 }, UNIX, waiting)), STATUS.NO_SUCH_SOURCE);
  });
});
