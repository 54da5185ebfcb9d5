import type { Prng } from '../base/prng.js';
import type { Seconds } from '../base/units.js';
import { ReceiverDecoder, type ReceiverReject } from '../wire/receiver/decoder.js';
import type { TimeMessage } from '../wire/timemessage.js';
import { type Host, SecondTwin } from './host.js';
import type { TrueTime } from './queue.js';
import type { ReceiverFault } from './receiver/faults.js';
import { SimReceiver, type SimReceiverOptions } from './receiver/receiver.js';

/** Silence after which the daemon settles an epoch that is still open. */
const BURST_GAP: Seconds = 0.15;

export interface SerialModel {
  readonly receiver: Partial<SimReceiverOptions>;
  /** Faults of the burst of second k; drawn from `rng`, asked once a second. */
  faults(k: number, rng: Prng): readonly ReceiverFault[];
  /** What the receiver knows of the error of pulse k, s; positive = early. */
  pulseError?(k: number): Seconds;
}

/** Twin of ports/serial with the daemon's own decoder behind it: bytes at the line's speed, in the tty's pieces. */
export class SimSerial extends SecondTwin {
  private readonly receiver: SimReceiver;
  private readonly noise: Prng;
  private decoder: ReceiverDecoder | undefined;
  private readonly counted = new Map<ReceiverReject, number>();
  private lastChunk: TrueTime = 0;

  constructor(
    source: number,
    rng: Prng,
    private readonly model: SerialModel,
  ) {
    super(source);
    this.receiver = new SimReceiver(model.receiver, rng.fork('receiver'));
    this.noise = rng.fork('faults');
  }

  override start(host: Host): void {
    this.decoder = new ReceiverDecoder({
      now: host.timeline.start,
      onPulseError: (foretold) => host.post({ kind: 'pulse-error', source: this.source, foretold }),
    });
    super.start(host);
  }

  protected second(k: number, t: TrueTime): void {
    const { host, receiver, model } = this;
    const faults = model.faults(k, this.noise);
    const chunks = receiver.burst(host.timeline.nameOf(k), faults, model.pulseError?.(k + 1));
    for (const chunk of chunks) host.at(t + chunk.delay, { run: (u) => this.chunk(chunk.bytes, u) });
  }

  private chunk(bytes: Uint8Array, t: TrueTime): void {
    this.lastChunk = t;
    this.tell(this.decoder!.push(bytes, this.host.clock.realtime()));
    this.host.at(t + BURST_GAP, { run: () => this.quiet(t) });
  }

  private quiet(since: TrueTime): void {
    if (this.lastChunk === since) this.tell(this.decoder!.end());
  }

  private tell(messages: readonly TimeMessage[]): void {
    const { source, host, counted } = this;
    for (const message of messages) host.post({ kind: 'message', source, message });
    for (const [reason, total] of this.decoder!.counters.rejects) {
      const count = total - (counted.get(reason) ?? 0);
      if (count > 0) host.post({ kind: 'rejected', source, reason, count });
      counted.set(reason, total);
    }
  }
}
