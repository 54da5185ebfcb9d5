import { hostScenarios } from '../../src/sim/scenarios/host.js';
import { testScenarios } from './support.js';

testScenarios('simulated host', hostScenarios);
