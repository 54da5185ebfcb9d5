import { CodedError } from '../../base/errors.js';
import type { Scenario } from '../scenario.js';
import { bootScenarios } from './boot.js';
import { byteScenarios } from './bytes.js';
import { commandScenarios } from './commands.js';
import { crowdScenarios } from './crowds.js';
import { hostScenarios } from './host.js';
import { leapScenarios } from './leap.js';
import { ntpScenarios } from './ntp.js';
import { pulseScenarios } from './pulse.js';
import { readingScenarios } from './reading.js';
import { receiverScenarios } from './receiver.js';
import { robustScenarios } from './robust.js';
import { rtcScenarios } from './rtc.js';
import { stormScenarios } from './storm.js';
import { warmthScenarios } from './warmth.js';

/** The registry: what `timeball sim list` shows and the tests run. */
export const SCENARIOS: readonly Scenario[] = [
  ...receiverScenarios,
  ...pulseScenarios,
  ...byteScenarios,
  ...readingScenarios,
  ...hostScenarios,
  ...commandScenarios,
  ...leapScenarios,
  ...rtcScenarios,
  ...warmthScenarios,
  ...ntpScenarios,
  ...crowdScenarios,
  ...bootScenarios,
  ...robustScenarios,
  ...stormScenarios,
];

/** @throws CodedError ERR_TB_SCENARIO */
export const findScenario = (name: string, among: readonly Scenario[] = SCENARIOS): Scenario => {
  const found = among.find((s) => s.name === name);
  if (found === undefined)
    throw new CodedError('ERR_TB_SCENARIO', `there is no scenario '${name}': see timeball sim list`);
  return found;
};
