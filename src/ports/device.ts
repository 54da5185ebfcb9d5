import type { ErrorCode } from '../base/errors.js';

/**
 * Every device port shares one life: start() begins to look for the device and never throws for its absence;
 * state changes arrive through onState; a device that vanishes is looked for again until stop().
 */
export type DeviceState =
  | { readonly kind: 'up'; readonly detail?: string }
  | { readonly kind: 'down'; readonly code: ErrorCode; readonly reason: string };

export interface DeviceHandlers {
  onState(state: DeviceState): void;
}

export interface Device {
  /** For people: path or unit, as configured. */
  readonly name: string;
  stop(): void;
}
