import { setTimeout as sleep } from 'node:timers/promises';
import type { Native, NativeHardwareStamp } from '../../devices/native.js';

/** Requests of a test, and ms from one to the next. */
const REQUESTS = 8;
const INTERVAL_MS = 200;
/** The multicast group of NTP: leaves the card whatever its addresses are, and (TTL 1) no farther than its wire. */
const EVERYBODY = '224.0.1.1';
const NTP_PORT = 123;
/** Version 4, mode 3 (client). */
const REQUEST = Uint8Array.from({ length: 48 }, (_, i) => (i === 0 ? 0x23 : i === 47 ? 1 : 0));

export interface Probe {
  readonly sent: number;
  readonly sentByKernel: number;
  readonly sentByCard: number;
  /** s from the kernel's reading of the clock to its transmit stamp, and to when the card's was heard: medians. */
  readonly kernelLatency: number | undefined;
  readonly cardHeardAfter: number | undefined;
  readonly received: number;
  readonly receivedByKernel: number;
  readonly receivedByCard: number;
  /** Do the drivers say which interface stamped a received packet, and how long the frame was? */
  readonly receiveTellsInterface: boolean | undefined;
}

const median = (all: readonly number[]): number | undefined =>
  all.length === 0 ? undefined : [...all].sort((a, b) => a - b)[all.length >> 1];

/** Sends requests by an interface and counts what is stamped. Without a server nobody answers. */
export const probe = async (native: Native, device: string, server: string | undefined): Promise<Probe> => {
  const times = new Map<number, bigint>();
  const kernel: number[] = [];
  const card: number[] = [];
  const seen = { received: 0, receivedByKernel: 0, receivedByCard: 0 };
  let tells: boolean | undefined;
  const onSent = (id: number, time: bigint, hardware: NativeHardwareStamp | undefined): void => {
    const from = times.get(id) ?? time;
    if (hardware === undefined) kernel.push(Number(time - from) * 1e-9);
    else card.push(Number(native.clockGettime('realtime') - from) * 1e-9);
  };
  const onReply = (_: number, __: Uint8Array, ___: bigint, byKernel: boolean, hardware?: NativeHardwareStamp): void => {
    seen.received++;
    if (byKernel) seen.receivedByKernel++;
    if (hardware === undefined) return;
    seen.receivedByCard++;
    tells = hardware.length > 0;
  };
  const clients = new native.UdpClients(onSent, onReply);
  try {
    for (let i = 0; i < REQUESTS; i++) {
      const { id, time } = clients.request(REQUEST, {
        address: server ?? EVERYBODY,
        port: NTP_PORT,
        device,
        hardware: true,
      });
      times.set(id, time);
      await sleep(INTERVAL_MS);
    }
    await sleep(INTERVAL_MS);
  } finally {
    clients.close();
  }
  return {
    sent: REQUESTS,
    sentByKernel: kernel.length,
    sentByCard: card.length,
    kernelLatency: median(kernel),
    cardHeardAfter: median(card),
    ...seen,
    receiveTellsInterface: tells,
  };
};

const us = (s: number | undefined): string => (s === undefined ? '' : `, median ${(s * 1e6).toFixed(1)} us`);

/** The same for people. */
export const figuresOf = (p: Probe, server: string | undefined): string => {
  const lines: [string, string][] = [
    ['sent', `${p.sent} requests to ${server ?? `the group ${EVERYBODY} (nobody has to answer)`}`],
    ['by kernel', `${p.sentByKernel} stamped${us(p.kernelLatency)} after the clock was read`],
    ['by card', `${p.sentByCard} stamped${us(p.cardHeardAfter)} until the stamp was heard of`],
  ];
  if (server === undefined) lines.push(['received', 'not tested: name a server that answers over this interface']);
  else {
    const told = p.receiveTellsInterface === false ? '; the driver tells no interface and frame length' : '';
    lines.push([
      'received',
      `${p.received} replies, ${p.receivedByKernel} stamped by the kernel, ${p.receivedByCard} by the card${told}`,
    ]);
  }
  return lines.map(([name, text]) => `  ${name.padEnd(12)} ${text}\n`).join('');
};
