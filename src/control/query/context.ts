import type { BoundReport } from '../../core/report/bound.js';
import type { RefclockReport, SelectReport, TrackingReport } from '../../core/report/reports.js';
import type { StabilityReport } from '../../core/report/stability.js';

/** The daemon as the query door sees it: the state of the moment, nothing that changes it. */
export interface QueryContext {
  tracking(): TrackingReport;
  bound(): BoundReport;
  refclocks(): readonly RefclockReport[];
  selectdata(): readonly SelectReport[];
  stability(): StabilityReport;
}
