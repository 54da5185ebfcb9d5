import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { CmdmonPeer } from '../../src/control/cmdmon/context.js';
import { handleRequest } from '../../src/control/cmdmon/door.js';
import { readReplyData, readReplyHeader } from '../../src/wire/cmdmon/packet.js';
import { REPLIES, type ReplyName } from '../../src/wire/cmdmon/replies.js';
import { REQUESTS, type RequestName, requestLength } from '../../src/wire/cmdmon/requests.js';
import { address, fakeDaemon } from '../support/cmdmon.js';

const BUDGET_MS = 1500;
const peers: readonly CmdmonPeer[] = [
  { transport: 'unix' },
  { transport: 'udp', address: address('127.0.0.1') },
  { transport: 'udp', address: address('::1') },
  { transport: 'udp', address: address('192.0.2.7') },
];

/** A request of a known code and about its length, with random data and a few bytes changed anywhere. */
const mutated = fc
  .record({
    name: fc.constantFrom(...(Object.keys(REQUESTS) as RequestName[])),
    extra: fc.oneof(fc.constant(0), fc.integer({ min: -120, max: 120 })),
    data: fc.uint8Array({ minLength: 0, maxLength: 400 }),
    changes: fc.array(fc.tuple(fc.nat(500), fc.nat(255)), { maxLength: 3 }),
  })
  .map(({ name, extra, data, changes }) => {
    const bytes = new Uint8Array(Math.max(0, requestLength(name) + extra));
    bytes.set([6, 1, 0, 0, 0, REQUESTS[name].code].slice(0, bytes.length));
    if (bytes.length > 20) bytes.set(data.subarray(0, bytes.length - 20), 20);
    for (const [at, value] of changes) if (at < bytes.length) bytes[at] = value;
    return bytes;
  });
const noise = fc.uint8Array({ maxLength: 1000 });

describe('fuzz: cmdmon', () => {
  it('the door never throws and never answers longer than it was asked; UDP changes nothing', () => {
    const { context, recorded } = fakeDaemon({ accessAllowed: () => true });
    let answered = 0;
    fc.assert(
      fc.property(fc.oneof({ weight: 5, arbitrary: mutated }, noise), fc.constantFrom(...peers), (bytes, peer) => {
        const before = recorded.commands.length + recorded.changes.length;
        const reply = handleRequest(bytes, peer, context);
        if (reply !== undefined) {
          answered++;
          assert.ok(reply.length <= bytes.length);
          assert.ok(readReplyHeader(reply) !== undefined);
        }
        if (peer.transport === 'udp') assert.equal(recorded.commands.length + recorded.changes.length, before);
      }),
      { seed: 20, numRuns: 20_000, interruptAfterTimeLimit: BUDGET_MS },
    );
    assert.ok(answered > 100, 'the fuzz must get past the first checks');
  });
  it('a client reads whatever a daemon sends without throwing', () => {
    const codes = Object.keys(REPLIES) as ReplyName[];
    const replies = fc.record({ name: fc.constantFrom(...codes), data: fc.uint8Array({ maxLength: 600 }) });
    fc.assert(
      fc.property(replies, ({ name, data }) => {
        const bytes = new Uint8Array(28 + data.length);
        bytes.set([6, 2, 0, 0, 0, 1, 0, REPLIES[name].code]);
        bytes.set(data, 28);
        if (readReplyHeader(bytes) !== undefined) readReplyData(name, bytes);
      }),
      { seed: 21, numRuns: 5000, interruptAfterTimeLimit: BUDGET_MS },
    );
  });
});
