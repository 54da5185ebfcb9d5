import type { Responder } from '../core/ntp/responder.js';
import type { SnapshotReader } from '../core/ntp/snapshot.js';
import type { PacketTransport } from '../ports/transport.js';
import type { PtpGate } from './ptpgate.js';

/** What the rest of the program wants from a worker. */
export interface Control {
  /** Handles what has been asked since the last call; false = stop. Cheap when there is nothing. */
  attend(): boolean;
}

/**
 * The packet plane's loop: block for a batch, decide in place, send one by one, empty the error queue once. Runs until
 * control says stop; waking the transport makes it look there. Control is looked at in every round, so that a
 * saturated server obeys too.
 */
export const serveLoop = (
  transport: PacketTransport,
  responder: Responder,
  snapshot: SnapshotReader,
  control: Control,
  gate?: PtpGate,
): void => {
  const stamps = new Uint32Array(transport.txStamps);
  while (control.attend()) serveBatch(transport, responder, snapshot, stamps, -1, gate);
};

/** One round; returns the packets received. The simulator calls it with a time-out of 0. `gate`: where there are PTP sockets. */
export const serveBatch = (
  transport: PacketTransport,
  responder: Responder,
  snapshot: SnapshotReader,
  stamps: Uint32Array,
  timeoutMs: number,
  gate?: PtpGate,
): number => {
  const n = transport.receive(timeoutMs);
  if (n > 0) {
    snapshot.refresh();
    gate?.unwrap(n);
    responder.serve(n);
    gate?.wrap(n);
    transport.send(n);
    responder.sent(n);
  }
  // Also after an empty round: a stamp that came late wakes the socket.
  responder.txStamps(stamps, transport.drainTxStamps());
  return n;
};
