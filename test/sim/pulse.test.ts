import { pulseScenarios } from '../../src/sim/scenarios/pulse.js';
import { testScenarios } from './support.js';

testScenarios('simulated pulse', pulseScenarios);
