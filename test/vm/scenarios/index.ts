import type { Scenario } from '../scenario.js';
import { BAD_PHC, EDGES, REBOOT, SEVERAL, TORN } from './bad.js';
import { BAD_CARD, CLIENT, SERVER } from './cards.js';
import { CONTROL, LEAP_SLEW, LEAP_SYSTEM } from './control.js';
import { DIRTY } from './dirty.js';
import { CARRIED, RECEIVER } from './lines.js';
import { PHC } from './phc.js';
import { PROVIDERS } from './providers.js';
import { BRIDGE, INSIDE_PTP } from './ptp.js';
import { HARD, QUIET } from './pulses.js';
import { RTC } from './rtc.js';

export const SCENARIOS: readonly Scenario[] = [
  QUIET,
  HARD,
  DIRTY,
  PHC,
  CONTROL,
  LEAP_SYSTEM,
  LEAP_SLEW,
  RTC,
  BAD_PHC,
  EDGES,
  SEVERAL,
  TORN,
  REBOOT,
  RECEIVER,
  CARRIED,
  SERVER,
  CLIENT,
  BAD_CARD,
  PROVIDERS,
  INSIDE_PTP,
  BRIDGE,
];

export const findScenario = (name: string): Scenario => {
  const found = SCENARIOS.find((scenario) => scenario.name === name);
  if (found === undefined) throw new Error(`no scenario ${name}; there are ${SCENARIOS.map((s) => s.name).join(' ')}`);
  return found;
};
