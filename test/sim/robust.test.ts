import { robustScenarios } from '../../src/sim/scenarios/robust.js';
import { testScenarios } from './support.js';

testScenarios('disturbances', robustScenarios);
