import { byteScenarios } from '../../src/sim/scenarios/bytes.js';
import { readingScenarios } from '../../src/sim/scenarios/reading.js';
import { testScenarios } from './support.js';

testScenarios('receivers down to their bytes', byteScenarios);
testScenarios('references with whole readings', readingScenarios);
