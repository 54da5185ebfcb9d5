/** What a scenario of the lab is made of, shared by the host and the guest. */
import type { Lab } from './guest/lab.js';

export type DaemonName = 'timeball' | 'chronyd';

/** The lab's own, or a newer one, which may not be there. */
export type KernelName = 'lab' | 'next';

export interface Verdict {
  readonly text: string;
  readonly ok: boolean;
  /** What was seen, in words. */
  readonly seen: string;
}

/** CLOCK_REALTIME − true UTC: seconds since the daemon was started, ns. */
export type Point = readonly [number, number];

export interface Result {
  readonly daemon: DaemonName;
  readonly seed: number;
  readonly points: readonly Point[];
  readonly verdicts: readonly Verdict[];
  readonly log: string;
  /** What the peer's client program shows at the end. */
  readonly shown: string;
  /** The product's event log, when it was asked for (`timeball replay`). */
  readonly events?: string | undefined;
}

/** Text or number of each parameter of a kernel module, `truetime` or `truewire`. */
export type Settings = Readonly<Record<string, string | number>>;

export interface Variant {
  readonly settings?: Settings;
  readonly wire?: Settings;
  readonly config?: readonly string[];
  /** Without control of the clock. */
  readonly uncontrolled?: boolean;
  readonly seconds?: number;
}

export interface Scenario {
  readonly name: string;
  readonly about: string;
  /** Date of the machine at its start, UTC; 2027-03-01T00:00:00. A date before the program's build is taken for a rollover. */
  readonly date?: string;
  /** The lab's own. */
  readonly kernel?: KernelName;
  readonly settings: Settings;
  /** Two network cards with a wire between them, the second in a network namespace of its own. */
  readonly wire?: Settings | undefined;
  /** The daemon runs without control of the clock. */
  readonly uncontrolled?: boolean | undefined;
  /** Of the noise: a run with each. */
  readonly seeds: readonly number[];
  readonly config: readonly string[];
  /** Virtual seconds from the daemon's start to the end of the record. */
  readonly seconds: number;
  readonly daemons: readonly DaemonName[];
  /** In the guest, before the daemon's start. */
  readonly prepare?: (lab: Lab) => unknown;
  /** In the guest, from the daemon's start on; the record goes on after it until `seconds`. */
  readonly play?: (lab: Lab) => Promise<void>;
  /** On the host, of the runs of each daemon, one a seed. */
  readonly judge?: (ours: readonly Result[], theirs: readonly Result[]) => Verdict[];
  /** The same with something broken: the verdicts whose texts hold one of these words must then fail. */
  readonly control: Variant & { readonly about: string; readonly fails: readonly string[] };
}

/** A scenario as its negative control runs it. */
export const sabotaged = (scenario: Scenario): Scenario => {
  const { settings, wire, config, seconds, uncontrolled } = scenario.control;
  return {
    ...scenario,
    settings: { ...scenario.settings, ...settings },
    wire: scenario.wire && { ...scenario.wire, ...wire },
    uncontrolled: uncontrolled ?? scenario.uncontrolled,
    config: config ?? scenario.config,
    seconds: seconds ?? scenario.seconds,
    seeds: scenario.seeds.slice(0, 1),
    daemons: ['timeball'],
  };
};
