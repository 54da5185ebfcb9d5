import { bootScenarios } from '../../src/sim/scenarios/boot.js';
import { crowdScenarios } from '../../src/sim/scenarios/crowds.js';
import { testScenarios } from './support.js';

testScenarios('many servers, liars and changing ways', crowdScenarios);
testScenarios('the first minutes', bootScenarios);
