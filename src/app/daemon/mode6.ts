import { machine, release } from 'node:os';
import { VERSION } from '../../base/build.js';
import type { Mode6Context } from '../../control/mode6/variables.js';
import type { Engine } from '../../engine/engine.js';
import type { Now } from '../../engine/events.js';

/** The daemon as `ntpq` sees it. */
export const daemonMode6 = (engine: Engine, now: () => Now): Mode6Context => ({
  tracking: () => engine.tracking(now()),
  sources: () => engine.sourceReports(now()),
  sourcestats: () => engine.sourcestats(now()),
  ntpData: (address) => engine.ntpData(address),
  now: () => engine.clock.now(now().raw),
  precision: engine.serverState(now()).precision,
  version: `timeball ${VERSION}`,
  system: `Linux/${release()}`,
  processor: machine(),
});
