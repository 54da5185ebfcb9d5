import { commandScenarios } from '../../src/sim/scenarios/commands.js';
import { testScenarios } from './support.js';

testScenarios('commands that change the clock', commandScenarios);
