/** A packet plane of its own with a fixed state: the identity view of the host's clock, stratum 1. */

import { type Plane, type PlaneOptions, startPlane } from '../../src/app/plane.js';
import { refidFromText } from '../../src/base/refid.js';
import { fromUnix } from '../../src/base/time.js';
import { IDENTITY_VIEW } from '../../src/core/clockview.js';
import type { ServerState } from '../../src/core/ntp/state.js';
import { ALLOW_ALL } from './server.js';

export const hostState = (): ServerState => {
  const now = fromUnix(Math.floor(Date.now() / 1000), 0);
  return {
    leap: 0,
    stratum: 1,
    refId: refidFromText('PPS'),
    referenceTime: now,
    rootDelay: 0,
    rootDispersion: 1e-6,
    dispersionAt: now,
    dispersionRate: 1e-6,
    precision: -25,
    view: IDENTITY_VIEW,
  };
};

/** On a free port of loopback unless the options say otherwise. */
export const startTestPlane = async (options: Partial<PlaneOptions> = {}): Promise<Plane> => {
  const plane = await startPlane({
    sockets: [{ family: 4, address: '127.0.0.1', port: 0 }],
    access: [ALLOW_ALL],
    ...options,
  });
  plane.publish(hostState());
  return plane;
};
