import { ntpScenarios } from '../../src/sim/scenarios/ntp.js';
import { testScenarios } from './support.js';

testScenarios('simulated NTP servers', ntpScenarios);
