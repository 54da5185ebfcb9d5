import { add, type Instant } from '../base/time.js';
import type { Host } from './host.js';
import { type RequestEffect, requestOf, serverReply, tellReply, tellSent, type Upstream } from './net/upstream.js';
import type { Trace } from './traces.js';

/** A perfect server behind the network of a trace: the i-th request gets the i-th row's delays, the reply takes no time. */
export class TraceServer implements Upstream {
  private host!: Host;
  private requests = 0;

  /** `origin`: true UTC at t = 0. */
  constructor(
    private readonly trace: Trace,
    private readonly origin: Instant,
  ) {}

  start(host: Host): void {
    this.host = host;
  }

  request(effect: RequestEffect): void {
    const { host, trace } = this;
    const i = ++this.requests;
    const up = trace.value('delay_up', i);
    const down = trace.value('delay_down', i);
    tellSent(host, effect, host.t);
    if (up === undefined || down === undefined) return;
    const at = add(this.origin, host.t + up);
    const reply = serverReply(requestOf(effect), at, at);
    host.at(host.t + up + down, { run: () => tellReply(host, effect.source, reply) });
  }

  resolve(): void {
    // Traces name no hosts.
  }
}
