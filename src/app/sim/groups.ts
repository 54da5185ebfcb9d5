import { type GroupOutcome, type GroupScenario, runGroup } from '../../sim/groupscenario.js';
import { groupScenarios } from '../../sim/scenarios/groups.js';
import { EXIT, type Io } from './io.js';
import type { Options } from './options.js';
import { seedsOf } from './run.js';
import { span } from './text.js';

/** Scenarios of several daemons that a name means; `all` = all of them. */
export const groupsNamed = (name: string | undefined): readonly GroupScenario[] =>
  name === 'all' ? groupScenarios : groupScenarios.filter((s) => s.name === name);

/** `timeball sim run` of groups; 1 when somebody followed the wrong one. */
export const runGroups = (scenarios: readonly GroupScenario[], options: Options, io: Io): number => {
  let ok = true;
  for (const scenario of scenarios) {
    for (const seed of seedsOf(options)) {
      const outcome = runGroup(scenario, { seed });
      const control = options.flag('control') ? runGroup(scenario, { seed, control: true }) : undefined;
      const { figure, factor } = scenario.control;
      const worse = control === undefined ? undefined : figure(control) / figure(outcome);
      const good = outcome.failures.length === 0 && (worse === undefined || worse >= factor);
      ok &&= good;
      const json = (): string => `${JSON.stringify({ ...outcome, ok: good, worse })}\n`;
      io.stdout.write(options.flag('json') ? json() : text(scenario, outcome, worse, good));
    }
  }
  return ok ? EXIT.ok : EXIT.failed;
};

const text = (scenario: GroupScenario, o: GroupOutcome, worse: number | undefined, ok: boolean): string => {
  const lines = [`${ok ? 'ok  ' : 'FAIL'} ${o.name}  seed ${o.seed}  ${o.hours} h\n`];
  for (const c of o.calms) {
    const good = c.astray === 0 && c.seen <= c.spread;
    const limit = `(${c.from}..${c.to} s, <= ${span(c.spread)})`;
    lines.push(
      `  ${good ? 'ok  ' : 'FAIL'} ${c.name.padEnd(16)} spread ${span(c.seen)}, ${c.astray} s astray  ${limit}\n`,
    );
  }
  lines.push(`  ${o.circling} s in a circle\n`);
  if (worse !== undefined) {
    const { what, factor } = scenario.control;
    const enough = worse >= factor ? 'ok  ' : 'FAIL';
    lines.push(`  ${enough} control    ${what}: ${worse.toPrecision(3)} x worse (asked ${factor} x)\n`);
  }
  return lines.concat(o.failures.map((f) => `  FAIL ${f}\n`)).join('');
};
