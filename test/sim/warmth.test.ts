import { warmthScenarios } from '../../src/sim/scenarios/warmth.js';
import { testScenarios } from './support.js';

testScenarios('simulated warmth', warmthScenarios);
