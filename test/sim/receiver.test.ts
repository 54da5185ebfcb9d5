import { receiverScenarios } from '../../src/sim/scenarios/receiver.js';
import { testScenarios } from './support.js';

testScenarios('simulated receiver', receiverScenarios);
