import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { KeyTable } from '../../src/core/ntp/keys.js';
import { modeOf, versionOf } from '../../src/wire/ntp/header.js';
import { field, type Ntp64Text, request } from '../support/packets.js';
import { STATE, TestServer } from '../support/server.js';

const RUNS = Number(process.env['TIMEBALL_FUZZ_RUNS'] ?? 4000);

const words = fc.record({ hi: fc.integer({ min: 0, max: 0xffffffff }), lo: fc.integer({ min: 0, max: 0xffffffff }) });
const tails = fc.array(
  fc.oneof(
    fc
      .record({
        type: fc.constantFrom(0x0104, 0x0204, 0x0304, 0x0404, 0x2222, 0xf323, 0x010a, 0),
        bytes: fc.integer({ min: 1, max: 60 }),
      })
      .map(({ type, bytes }) => field(type, bytes * 4, 0x5a)),
    fc.uint8Array({ maxLength: 80 }),
    fc
      .record({ id: fc.constantFrom(1, 2, 3), bytes: fc.constantFrom(4, 20, 24, 28, 68) })
      .map(({ id, bytes }) => macTail(id, bytes)),
  ),
  { maxLength: 5 },
);
const packets = fc.oneof(
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 300 }) },
  {
    weight: 6,
    arbitrary: fc
      .record({
        version: fc.integer({ min: 0, max: 7 }),
        mode: fc.integer({ min: 0, max: 7 }),
        likely: fc.boolean(),
        /** Origin: an earlier receive stamp of the server's, or its transmit stamp, or anything. */
        echo: fc.constantFrom('receive', 'transmit', 'any'),
        origin: words,
        receive: words,
        transmit: words,
        tails,
      })
      .map((f) => f),
  },
);

function macTail(id: number, bytes: number): Uint8Array {
  const out = new Uint8Array(bytes).fill(0x33);
  new DataView(out.buffer).setUint32(0, id);
  return out;
}
const KEYS = new KeyTable([
  { id: 1, type: 'AES128' },
  { id: 2, type: 'SHA512' },
]);

describe('fuzz: responder', () => {
  it('never longer, never to a reply, never a lie, whatever comes', () => {
    let replies = 0;
    let runs = 0;
    fc.assert(
      fc.property(
        fc.array(fc.record({ packet: packets, port: fc.constantFrom(0, 123, 40000), step: fc.boolean() }), {
          minLength: 1,
          maxLength: 12,
        }),
        fc.boolean(),
        fc.boolean(),
        fc.constantFrom(undefined, { interval: 2, burst: 2, leak: 1, kod: 1 }),
        (sequence, synchronised, honest, limit) => {
          runs++;
          const responder = { limit, verifier: { verify: () => honest }, correction: () => 1e-6 };
          const s = new TestServer({ state: synchronised ? STATE : undefined, responder });
          s.responder.setKeys(KEYS);
          let last: { receive: Ntp64Text; transmit: Ntp64Text } | undefined;
          for (const [i, { packet, port, step }] of sequence.entries()) {
            if (step && synchronised) s.publish({ ...STATE, view: { ...STATE.view, correction: i } });
            const bytes = packet instanceof Uint8Array ? packet : build(packet, last);
            const r = s.ask(bytes, { port, sec: 1_800_000_000 + i });
            if (r === undefined) continue;
            replies++;
            last = r;
            const lvm = bytes[0]!;
            assert.ok(r.bytes.length <= bytes.length, 'amplifies');
            assert.ok([0, 1, 3].includes(modeOf(lvm)) && [2, 4].includes(r.mode), `mode ${modeOf(lvm)} -> ${r.mode}`);
            assert.equal(r.version, versionOf(lvm));
            assert.ok(r.version >= 1 && r.version <= 4 && port !== 0);
            const kiss = limit !== undefined && r.refId === 0x52415445;
            assert.equal(r.leap === 3, !synchronised || kiss);
            assert.equal(r.stratum, synchronised && !kiss ? 1 : 0);
            assert.deepEqual([r.receive.lo & 1, r.transmit.lo & 1], [1, 0]);
            const view = new DataView(bytes.buffer, bytes.byteOffset);
            const own = (at: number): boolean =>
              r.origin.hi === view.getUint32(at) && r.origin.lo === view.getUint32(at + 4);
            assert.ok(own(40) || (own(32) && r.version === 4), "origin is the request's own");
            assert.ok(r.transmit.hi !== 0 || r.transmit.lo !== 0);
          }
        },
      ),
      { seed: 20, numRuns: RUNS, interruptAfterTimeLimit: RUNS * 5 },
    );
    assert.ok(replies > runs / 2, `only ${replies} replies in ${runs} runs: the fuzzer misses the point`);
  });
});

interface Fields {
  readonly version: number;
  readonly mode: number;
  readonly likely: boolean;
  readonly echo: string;
  readonly origin: Ntp64Text;
  readonly receive: Ntp64Text;
  readonly transmit: Ntp64Text;
  readonly tails: readonly Uint8Array[];
}

function build(f: Fields, last: { receive: Ntp64Text; transmit: Ntp64Text } | undefined): Uint8Array {
  const origin =
    last === undefined || f.echo === 'any' ? f.origin : f.echo === 'receive' ? last.receive : last.transmit;
  const [version, mode] = f.likely ? [4, 3] : [f.version, f.mode];
  const tail = f.likely && f.echo !== 'any' ? new Uint8Array(0) : Uint8Array.from(f.tails.flatMap((t) => [...t]));
  return request({ version, mode, origin, receive: f.receive, transmit: f.transmit, tail });
}
