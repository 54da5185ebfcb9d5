/**
 * The server under load: a packet plane with a fixed state. Arguments: address, port, workers, control. Says `ready` when
 * it answers. `control` names a way of serving that we do not use, to show what it would cost:
 *   late-off   T3 without the correction by transmit stamps
 *   no-tx      no transmit stamps: interleaved replies tell when the server meant to send
 *   batch-t3   one T3 for a whole batch
 *   crossing   one more call between JavaScript and native for every packet
 */
import { randomBytes } from 'node:crypto';
import { startPlane } from '../../src/app/plane.js';
import { AccessTree } from '../../src/core/access/tree.js';
import { Responder } from '../../src/core/ntp/responder.js';
import { SnapshotReader, SnapshotWriter } from '../../src/core/ntp/snapshot.js';
import { loadNative, type NativeUdpSet } from '../../src/devices/native.js';
import { META, type PacketTransport, SLOT_BYTES, SLOT_DATA, TX_FLAG } from '../../src/ports/transport.js';
import { serveBatch } from '../../src/serve/loop.js';
import { DEFAULT_RECORDS, newMemory, openTables } from '../../src/serve/tables.js';
import { hostState } from '../support/plane.js';
import { ALLOW_ALL } from '../support/server.js';
import { BENCH_KEY } from './key.js';

const [address = '', port = '123', workers = '1', control = ''] = process.argv.slice(2);

const WORDS = SLOT_BYTES / 4;
const TX_SOFTWARE = 2;
const RX_AND_REPORT = 8 | 16;

/** Stamps all replies of a batch with one reading of the clock. */
const withBatchT3 = (set: NativeUdpSet): PacketTransport => {
  const meta = new Uint32Array(set.slab);
  const view = new DataView(set.slab);
  return {
    ...passOn(set),
    send(count) {
      const ns = loadNative().clockGettime('realtime');
      const sec = Number(ns / 1_000_000_000n) + 2_208_988_800;
      const fraction = Math.floor((Number(ns % 1_000_000_000n) * 4294967296) / 1e9) & ~1;
      for (let slot = 0; slot < count; slot++) {
        const flags = slot * WORDS + META.TX_FLAGS;
        if ((meta[flags]! & TX_FLAG.STAMP) === 0) continue;
        meta[flags]! &= ~TX_FLAG.STAMP;
        view.setUint32(slot * SLOT_BYTES + SLOT_DATA + 40, sec >>> 0);
        view.setUint32(slot * SLOT_BYTES + SLOT_DATA + 44, fraction >>> 0);
      }
      return set.send(count);
    },
  };
};

/** Crosses into native and back once more for every packet. */
const withCrossing = (set: NativeUdpSet): PacketTransport => ({
  ...passOn(set),
  send(count) {
    for (let slot = 0; slot < count; slot++) set.verify(slot, 0, 0, 0);
    return set.send(count);
  },
});

const passOn = (set: NativeUdpSet): PacketTransport => ({
  slab: set.slab,
  txStamps: set.txStamps,
  receive: (timeoutMs) => set.receive(timeoutMs),
  send: (count) => set.send(count),
  drainTxStamps: () => set.drainTxStamps(),
});

/** The plane's loop in this thread, with a part of it changed. Ends with the process. */
const serveChanged = (): void => {
  const timestamping = RX_AND_REPORT | (control === 'no-tx' ? 0 : TX_SOFTWARE);
  const socket = { family: 4 as const, address, port: Number(port), receiveBufferBytes: 4 << 20, timestamping };
  const set = new (loadNative().UdpSet)([{ ...socket, perAddress: address === '' }]);
  const transport =
    control === 'batch-t3' ? withBatchT3(set) : control === 'crossing' ? withCrossing(set) : passOn(set);
  const memory = newMemory(DEFAULT_RECORDS, true, randomBytes(4).readInt32LE(), randomBytes(4).readInt32LE());
  for (const shared of [memory.clients!, memory.ring!])
    loadNative().preferHugePages(new Int32Array(shared, 0, shared.byteLength >> 2));
  new SnapshotWriter(memory.snapshot).write(hostState());
  const access = new AccessTree();
  access.apply(ALLOW_ALL);
  const reader = new SnapshotReader(memory.snapshot);
  const tables = { access, ...openTables(memory) };
  const options = { lateTruth: control !== 'late-off' };
  const responder = new Responder(set.slab, tables, reader, memory.seed, memory.markSeed, options);
  const stamps = new Uint32Array(transport.txStamps);
  process.stdout.write('ready\n', () => {
    for (;;) serveBatch(transport, responder, reader, stamps, -1);
  });
};

const servePlane = async (): Promise<void> => {
  const plane = await startPlane({
    // For any address it is as the daemon is: both families.
    sockets: (address === '' ? ([4, 6] as const) : ([4] as const)).map((family) => ({
      family,
      address,
      port: Number(port),
    })),
    access: [ALLOW_ALL],
    workers: Number(workers),
    keys: [BENCH_KEY],
  });
  plane.publish(hostState());
  process.stdout.write('ready\n');
  process.on('SIGTERM', () => void plane.stop().then(() => process.exit(0)));
};

if (control === '' || control === 'plane') await servePlane();
else serveChanged();
