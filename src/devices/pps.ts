import { CodedError } from '../base/errors.js';
import { instant } from '../base/time.js';
import type { Device } from '../ports/device.js';
import type { Edge, PpsHandlers, PpsOpener } from '../ports/pps.js';
import type { Native, NativePps, NativePpsInfo } from './native.js';
import { Keeper, messageOf } from './retry.js';

/** linux/pps.h */
const PPS_CAPTURE = { assert: 0x01, clear: 0x02 } as const;
const PPS_TSFMT_TSPEC = 0x1000;
/** The call that fails where a terminal cannot be given the line discipline N_PPS. */
const LINE_DISCIPLINE = 'TIOCSETD';

/** Turns fetch results into edges: which one is new, and how many were missed between two. */
export class EdgeCounter {
  private last: number | undefined;
  private readonly edge: Edge;
  constructor(edge: Edge) {
    this.edge = edge;
  }

  /** Undefined when the result holds no new edge of our kind (sequence unchanged, or never any). */
  take(info: NativePpsInfo): { time: bigint; sequence: number; missed: number } | undefined {
    const sequence = this.edge === 'assert' ? info.assertSequence : info.clearSequence;
    const time = this.edge === 'assert' ? info.assertTime : info.clearTime;
    const { last } = this;
    if (sequence === last || time === 0n) return undefined;
    this.last = sequence;
    const missed = last === undefined ? 0 : ((sequence - last - 1) >>> 0) & 0xffff;
    return { time, sequence, missed };
  }
}

/** Kernel PPS sources, and terminals that become one. The addon's thread waits in PPS_FETCH; nothing here polls. */
export class PpsDevices implements PpsOpener {
  private readonly native: Native;
  constructor(native: Native) {
    this.native = native;
  }

  openPps(path: string, edge: Edge, handlers: PpsHandlers): Device {
    return new Keeper(path, handlers, (lost) => {
      const pps = this.open(path);
      try {
        const wanted = PPS_CAPTURE[edge];
        if ((pps.capabilities() & wanted) === 0) {
          throw new CodedError('ERR_TB_DEVICE_UNSUPPORTED', `${path} cannot capture the ${edge} edge`);
        }
        const params = pps.getParams();
        // Setting replaces the mode for everybody who has the source open: keep what is on.
        if ((params.mode & wanted) === 0) {
          pps.setParams({ ...params, mode: params.mode | wanted | PPS_TSFMT_TSPEC });
        }
        const counter = new EdgeCounter(edge);
        counter.take(pps.fetch(0));
        pps.start(
          (info) => {
            const e = counter.take(info);
            if (e !== undefined) handlers.onEdge({ edge, ...e, time: instant(e.time) });
          },
          (code) => lost(Object.assign(new Error(`${path}: ${code}`), { code })),
        );
      } catch (error) {
        pps.close();
        throw error;
      }
      return pps;
    });
  }

  private open(path: string): NativePps {
    try {
      return new this.native.Pps(path);
    } catch (error) {
      if (!messageOf(error).includes(LINE_DISCIPLINE)) throw error;
      const text = `${path} is a terminal, and the kernel has no line discipline for pulses (module pps-ldisc)`;
      throw new CodedError('ERR_TB_DEVICE_UNSUPPORTED', text, { cause: error });
    }
  }
}
