/**
 * A check of the simulation itself: with a fault put back, some seed must find it. Without the fault the same seed must
 * find nothing: else what it found is not the fault.
 */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { failureText, memoryIsBack } from "./campaign.ts";
import type { Fault } from "./faults.ts";
import { simulationWith } from "./faultyProxy.ts";
import { type Outcome, simulate } from "./simulation.ts";

const RUNS_MAX = 3000;
/** A seed that finds it late takes long to show it again: so many more are tried for one that finds it soon. */
const MORE_RUNS = 10;
/** The seed that found each fault last, by its name. */
const SEEDS = join(import.meta.dir, "faultSeeds.json");

export interface Found {
  readonly seed: number;
  readonly violation: string;
}

/**
 * The first seed that finds it, or one soon after that takes fewer turns; undefined: none of so many does.
 * @throws Error if the source is not as the fault has it, or a seed finds something without it
 */
export async function findFault(fault: Fault, from = 1, runsMax = RUNS_MAX): Promise<Found | undefined> {
  const simulateWith = await simulationWith(fault);
  let best: Outcome | undefined;
  let untilSeed = from + runsMax;
  for (let seed = from; seed < untilSeed; seed++) {
    const outcome = simulateWith(seed);
    await memoryIsBack();
    if (outcome.violation === undefined || outcome.turns >= (best?.turns ?? Number.POSITIVE_INFINITY)) continue;
    const without = simulate(seed);
    if (without.violation !== undefined) throw new Error(`without any fault, too: ${failureText(without)}`);
    untilSeed = Math.min(untilSeed, (best ?? outcome).seed + MORE_RUNS);
    best = outcome;
  }
  return best && { seed: best.seed, violation: best.violation as string };
}

/** Whether the seed finds it. @throws Error if it does not, or finds something without it */
export async function replayFault(fault: Fault, seed: number): Promise<void> {
  const { violation } = (await simulationWith(fault))(seed);
  if (violation === undefined) {
    const again = `bun scripts/simulate.ts --faults --record "${fault.name}"`;
    throw new Error(`seed ${seed} does not find "${fault.name}" any more; to look for another: ${again}`);
  }
  const without = simulate(seed);
  if (without.violation !== undefined) throw new Error(`without any fault, too: ${failureText(without)}`);
}

export function readSeeds(): Readonly<Record<string, number>> {
  return existsSync(SEEDS) ? JSON.parse(readFileSync(SEEDS, "utf8")) : {};
}

/** In alphabetical order, so that a change of one is a change of one line. */
export function writeSeeds(seeds: Readonly<Record<string, number>>): void {
  const sorted = Object.fromEntries(Object.entries(seeds).sort(([a], [b]) => (a < b ? -1 : 1)));
  writeFileSync(SEEDS, `${JSON.stringify(sorted, null, 2)}\n`);
}
