/** Runs one scenario in the guest: its name, the daemon's and the variant's stand in the kernel's command line. */
import { readFileSync } from 'node:fs';
import { type DaemonName, type Result, sabotaged } from '../scenario.js';
import { findScenario } from '../scenarios/index.js';
import { Lab } from './lab.js';

const words = new Map(
  readFileSync('/proc/cmdline', 'utf8')
    .trim()
    .split(' ')
    .map((word) => word.split('=') as [string, string]),
);

const plain = findScenario(words.get('lab.scenario')!);
const control = words.get('lab.control') === '1';
const scenario = control ? sabotaged(plain) : plain;
const trace = words.get('lab.trace') === '1';
// What another engine is to be told must not be what a clock said that followed this one.
const free = trace || scenario.uncontrolled === true;
const lab = new Lab(words.get('lab.daemon') as DaemonName, trace, free ? ['-x'] : []);
const seed = Number(words.get('lab.seed'));
lab.load('truetime', { ...scenario.settings, seed });
if (scenario.wire !== undefined) await lab.connect({ ...scenario.wire, seed });
await scenario.prepare?.(lab);
lab.startSeconds();
try {
  await lab.startDaemon(scenario.config);
  await scenario.play?.(lab);
  await lab.until(scenario.seconds);
} catch (error) {
  lab.check('the scenario was played', false, String(error));
}
const points = lab.points();
const shown = ['sources', 'sourcestats', 'tracking'].map((report) => lab.ask(report)).join('\n');
await lab.stopDaemon();
lab.disconnect();
lab.stopSeconds();
const result: Result = {
  daemon: lab.daemon,
  seed,
  points,
  verdicts: lab.verdicts,
  log: lab.log(),
  shown,
  events: lab.events(),
};
process.stdout.write(JSON.stringify(result), () => process.exit(0));
