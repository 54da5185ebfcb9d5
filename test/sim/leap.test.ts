import { leapScenarios } from '../../src/sim/scenarios/leap.js';
import { testScenarios } from './support.js';

testScenarios('simulated leap seconds', leapScenarios);
