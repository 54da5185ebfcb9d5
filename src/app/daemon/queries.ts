import type { QueryContext } from '../../control/query/context.js';
import { errorBound } from '../../engine/bound.js';
import type { Engine } from '../../engine/engine.js';
import type { Now } from '../../engine/events.js';

/** The daemon as the query door sees it. */
export const daemonQueries = (engine: Engine, now: () => Now): QueryContext => ({
  tracking: () => engine.tracking(now()),
  bound: () => errorBound(engine, now()),
  refclocks: () => engine.refclocks(now()),
  selectdata: () => engine.selectdata(now()),
  stability: () => engine.stabilityReport(),
});
