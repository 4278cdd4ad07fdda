/**
 * Runs the simulation (test/simulation): for ever, until something is violated, or for so many runs or minutes.
 *
 *     bun scripts/simulate.ts [--seed N] [--runs N] [--minutes M]
 *     bun scripts/simulate.ts --faults [NAME...]     puts each known fault back, and looks for a seed that finds it
 *     bun scripts/simulate.ts --faults --record      and writes the seeds down, for the test that replays them
 */
import { parseArgs } from "node:util";
import { campaignText, failureText, runCampaign } from "../test/simulation/campaign.ts";
import { findFault, readSeeds, writeSeeds } from "../test/simulation/faultSearch.ts";
import { FAULTS } from "../test/simulation/faults.ts";

const SAID_EVERY_MS = 60_000;

if (import.meta.main) {
  const { values, positionals } = parseArgs({
    options: {
      seed: { type: "string" },
      runs: { type: "string" },
      minutes: { type: "string" },
      faults: { type: "boolean", default: false },
      record: { type: "boolean", default: false },
    },
    allowPositionals: true,
  });
  process.exitCode = values.faults
    ? await findFaults(positionals, values.record)
    : await soak({
        seed: values.seed === undefined ? Math.floor(Math.random() * 2 ** 40) : Number(values.seed),
        runsMax: Number(values.runs ?? Number.POSITIVE_INFINITY),
        msMax: 60_000 * Number(values.minutes ?? Number.POSITIVE_INFINITY),
      });
}

/** Returns the exit code. */
async function soak(parts: {
  readonly seed: number;
  readonly runsMax: number;
  readonly msMax: number;
}): Promise<number> {
  console.log(`from seed ${parts.seed} on`);
  let saidAtMs = performance.now();
  const campaign = await runCampaign({
    ...parts,
    onRun: ({ runs, turns }) => {
      if (performance.now() < saidAtMs + SAID_EVERY_MS) return;
      saidAtMs = performance.now();
      console.log(`${runs} runs, ${turns} turns`);
    },
  });
  console.log(campaign.failed ? failureText(campaign.failed) : campaignText(campaign));
  return campaign.failed ? 1 : 0;
}

/** Recorded earlier, of faults that there still are. */
function knownSeeds(): Readonly<Record<string, number>> {
  const names = FAULTS.map(({ name }) => name);
  return Object.fromEntries(Object.entries(readSeeds()).filter(([name]) => names.includes(name)));
}

/** Returns the exit code. */
async function findFaults(names: readonly string[], isRecorded: boolean): Promise<number> {
  let missed = 0;
  const seeds: Record<string, number> = {};
  for (const fault of FAULTS) {
    if (names.length > 0 && !names.some((name) => fault.name.includes(name))) continue;
    const found = await findFault(fault);
    if (found === undefined) missed++;
    else seeds[fault.name] = found.seed;
    console.log(`${fault.name}: ${found ? `seed ${found.seed}: ${found.violation}` : "NOT FOUND"}`);
    // Each at once: together they take minutes.
    if (isRecorded) writeSeeds({ ...knownSeeds(), ...seeds });
  }
  return missed > 0 ? 1 : 0;
}
