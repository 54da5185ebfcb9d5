import { writeFileSync } from 'node:fs';
import { loadNative } from '../../src/devices/native.js';
import type { SymmetricKey } from '../../src/wire/ntp/keyfile.js';

/** The key of the authenticated part of the benchmark. */
export const BENCH_KEY: SymmetricKey = { id: 1, type: 'AES128', secret: Uint8Array.from({ length: 16 }, (_, i) => i) };

const REQUEST_BYTES = 68;

/** An authenticated request a client, as the load generator sends them (it checks the words of the transmit stamp). */
export const writeKeyedRequests = (path: string, clients: number): void => {
  const all = new Uint8Array(clients * REQUEST_BYTES);
  const view = new DataView(all.buffer);
  for (let i = 0; i < clients; i++) {
    const at = i * REQUEST_BYTES;
    view.setUint32(at, 0x23000600);
    view.setUint32(at + 40, i);
    view.setUint32(at + 44, 2);
    view.setUint32(at + 48, BENCH_KEY.id);
    all.set(loadNative().ntpMac(BENCH_KEY.type, BENCH_KEY.secret, all.subarray(at, at + 48)), at + 52);
  }
  writeFileSync(path, all);
};

/** The same key for chronyd. */
export const keyFileText = (): string =>
  `${BENCH_KEY.id} ${BENCH_KEY.type} HEX:${Buffer.from(BENCH_KEY.secret).toString('hex')}\n`;
