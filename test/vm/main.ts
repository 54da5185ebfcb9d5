/**
 * The product on a real kernel: `npm run test:vm [-- scenario ...] [--no-control] [--write-docs] [--seed=N]
 * [--trace] [--only-control] [--jobs=N] [--budget=SECONDS]`. Exit 0: all passed or skipped by name, 1: something failed. Results and plots: dist/vm.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { peersRequired } from '../support/peers.js';
import { buildImage, type Image, missing, missingKernel } from './host/image.js';
import { runMachine } from './host/machine.js';
import { keep, keepTrace, kept, line, OUT, type Outcome, passed, show, writeDocs } from './host/report.js';
import { type DaemonName, type KernelName, type Result, type Scenario, sabotaged, type Verdict } from './scenario.js';
import { findScenario, SCENARIOS } from './scenarios/index.js';

const print = (text: string): boolean => process.stdout.write(`${text}\n`);

interface Bench {
  /** Built when it is first wanted. */
  readonly image: (scenario: Scenario) => Image;
  readonly work: string;
  readonly controls: boolean;
  /** Only the negative controls, beside what was kept of the last run. */
  readonly only: boolean;
  /** Of the noise, instead of the scenarios' own. */
  readonly seed: number | undefined;
  readonly trace: boolean;
}

const by = (results: readonly Result[], daemon: DaemonName): Result[] => results.filter((r) => r.daemon === daemon);

const judged = (scenario: Scenario, ours: readonly Result[], theirs: readonly Result[]): Verdict[] => [
  ...ours.flatMap(({ verdicts }) => verdicts),
  ...(scenario.judge?.(ours, theirs) ?? []),
];

const runs = async (bench: Bench, scenario: Scenario, control: boolean): Promise<Result[]> => {
  const results: Result[] = [];
  for (const seed of bench.seed === undefined ? scenario.seeds : [bench.seed]) {
    for (const daemon of scenario.daemons) {
      results.push(
        await runMachine(bench.image(scenario), bench.work, { scenario, daemon, control, seed, trace: false }),
      );
    }
  }
  return results;
};

/** Ours sabotaged, the others' results as they were: what must fail now? */
const control = async (bench: Bench, scenario: Scenario, theirs: readonly Result[]): Promise<Verdict[]> => {
  const verdicts = judged(scenario, await runs(bench, sabotaged(scenario), true), theirs);
  return scenario.control.fails.map((word) => {
    const meant = verdicts.filter(({ text }) => text.includes(word));
    const fails = meant.length > 0 && meant.every(({ ok }) => !ok);
    const seen = meant.map(({ seen }) => seen).join(', ');
    return { text: `${scenario.control.about}, “${word}” fails`, ok: fails, seen };
  });
};

const play = async (bench: Bench, scenario: Scenario): Promise<Outcome> => {
  const started = performance.now();
  const last = bench.only ? kept(scenario) : undefined;
  if (last !== undefined) return { ...last, control: await control(bench, scenario, by(last.results, 'chronyd')) };
  const results = await runs(bench, scenario, false);
  const theirs = by(results, 'chronyd');
  const verdicts = judged(scenario, by(results, 'timeball'), theirs);
  const broken = bench.controls ? await control(bench, scenario, theirs) : [];
  return { scenario, results, verdicts, control: broken, seconds: (performance.now() - started) / 1000 };
};

const tell = (outcome: Outcome): void => {
  for (const verdict of outcome.verdicts) print(line(verdict));
  for (const verdict of outcome.control) print(line({ ...verdict, text: `control: ${verdict.text}` }));
  print(`     ${outcome.seconds.toFixed(0)} s`);
  if (!passed(outcome)) for (const { daemon, log, shown } of outcome.results) print(`-- ${daemon}\n${log}\n${shown}`);
};

/** The event log of the product with a clock that runs free. Nothing is judged. */
const trace = async (bench: Bench, scenario: Scenario): Promise<void> => {
  const seed = bench.seed ?? scenario.seeds[0]!;
  const run = { scenario, daemon: 'timeball', control: false, seed, trace: true } as const;
  const { events } = await runMachine(bench.image(scenario), bench.work, run);
  print(`     ${keepTrace(scenario, events ?? '')}`);
};

/** What could not be run at all has failed, and the others go on. */
const lost = (scenario: Scenario, reason: unknown): Outcome => {
  const verdict = { text: 'the machine runs to its end', ok: false, seen: String(reason) };
  return { scenario, results: [], verdicts: [verdict], control: [], seconds: 0 };
};

const imagesIn = (work: string): Bench['image'] => {
  const built = new Map<KernelName, Image>();
  return ({ kernel = 'lab' }) => {
    const image = built.get(kernel) ?? buildImage(join(work, kernel), kernel);
    built.set(kernel, image);
    return image;
  };
};

interface Plan {
  /** Machines at a time: their clocks count instructions, so they do not disturb one another. */
  readonly jobs: number;
  /** Of this computer's time, s: nothing is begun later. */
  readonly budget: number;
}

const playAll = async (bench: Bench, chosen: readonly Scenario[], plan: Plan): Promise<Outcome[]> => {
  const started = performance.now();
  const waiting = [...chosen];
  const outcomes: Outcome[] = [];
  const worker = async (): Promise<void> => {
    for (let scenario = waiting.shift(); scenario !== undefined; scenario = waiting.shift()) {
      if (performance.now() - started > plan.budget * 1000) {
        print(`skip vm/${scenario.name}: the time budget of ${plan.budget} s is spent`);
        continue;
      }
      const without = missingKernel(scenario.kernel ?? 'lab');
      if (without !== undefined) {
        print(`skip vm/${scenario.name}: ${without}`);
        continue;
      }
      const current = scenario;
      const outcome = await play(bench, current).catch((error: unknown) => lost(current, error));
      print(`== vm/${current.name}: ${current.about}`);
      tell(outcome);
      if (outcome.results.length > 0) keep(outcome);
      outcomes.push(outcome);
    }
  };
  await Promise.all(Array.from({ length: Math.min(plan.jobs, chosen.length) }, worker));
  return outcomes;
};

const main = async (): Promise<number> => {
  const words = process.argv.slice(2);
  const option = (name: string): number | undefined => {
    const word = words.find((each) => each.startsWith(`--${name}=`));
    return word === undefined ? undefined : Number(word.slice(`--${name}=`.length));
  };
  const names = words.filter((word) => !word.startsWith('--'));
  const chosen = names.length === 0 ? SCENARIOS : names.map(findScenario);
  const why = missing();
  if (why !== undefined) {
    for (const { name } of chosen) print(`skip vm/${name}: ${why}`);
    return peersRequired() ? 1 : 0;
  }
  const work = mkdtempSync(join(tmpdir(), 'timeball-vm-'));
  let outcomes: Outcome[] = [];
  try {
    const bench = {
      image: imagesIn(work),
      work,
      controls: !words.includes('--no-control'),
      only: words.includes('--only-control'),
      seed: option('seed'),
      trace: words.includes('--trace'),
    };
    if (bench.trace) for (const scenario of chosen) await trace(bench, scenario);
    else {
      const plan = {
        jobs: option('jobs') ?? availableParallelism(),
        budget: option('budget') ?? Number.POSITIVE_INFINITY,
      };
      outcomes = await playAll(bench, chosen, plan);
    }
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  print(show(outcomes));
  if (words.includes('--write-docs')) writeDocs(SCENARIOS);
  const failed = outcomes.filter((outcome) => !passed(outcome));
  print(`${outcomes.length - failed.length} of ${outcomes.length} scenarios passed; results in ${OUT}`);
  return failed.length > 0 ? 1 : 0;
};

process.exitCode = await main();
