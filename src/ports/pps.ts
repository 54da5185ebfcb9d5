import type { Instant } from '../base/time.js';
import type { Device, DeviceHandlers } from './device.js';

export type Edge = 'assert' | 'clear';

/** One pulse edge as the kernel stamped it (RFC 2783, linux/pps.h). */
export interface PulseEdge {
  readonly edge: Edge;
  /** Raw time of the edge. */
  readonly time: Instant;
  /** The source's own count of edges of this kind, u32, wraps. */
  readonly sequence: number;
  /** Edges of this kind missed since the one reported before (gap in sequence), 0 normally. */
  readonly missed: number;
}

export interface PpsHandlers extends DeviceHandlers {
  onEdge(edge: PulseEdge): void;
}

export interface PpsOpener {
  /** `edge`: which one to capture; refused with a `down` state (ERR_TB_DEVICE_UNSUPPORTED) if the source cannot. */
  openPps(path: string, edge: Edge, handlers: PpsHandlers): Device;
}
