import { stormScenarios } from '../../src/sim/scenarios/storm.js';
import { testScenarios } from './support.js';

testScenarios('random faults', stormScenarios);
