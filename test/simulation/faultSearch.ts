/**
 * A check of the simulation itself: with a fault put back in a copy of the sources, some seed must find it. Without the
 * fault the same seed must find nothing: else what it found is not the fault.
 */
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { failureText, runCampaign } from "./campaign.ts";
import type { Fault } from "./faults.ts";

const ROOT = join(import.meta.dir, "..", "..");
/** What the simulation is made of. */
const COPIED = ["src", "test/simulation", "test/support", "scripts/simulate.ts", "package.json", "tsconfig.json"];
const RUNS_MAX = 4000;
/** The seed that found each fault last, by its name. */
const SEEDS = join(import.meta.dir, "faultSeeds.json");

export interface Found {
  readonly seed: number;
  readonly violation: string;
}

/**
 * The first seed that finds it; undefined: none of so many does.
 * @throws Error if the source is not as the fault has it, or the seed finds something without it
 */
export async function findFault(fault: Fault, from = 1, runsMax = RUNS_MAX): Promise<Found | undefined> {
  const folder = mkdtempSync(join(tmpdir(), "statsd-proxy-fault-"));
  try {
    for (const path of COPIED) cpSync(join(ROOT, path), join(folder, path), { recursive: true });
    symlinkSync(join(ROOT, "node_modules"), join(folder, "node_modules"));
    writeFileSync(join(folder, fault.file), sourceWith(fault));
    const run = Bun.spawn(
      [process.execPath, "scripts/simulate.ts", "--seed", String(from), "--runs", String(runsMax)],
      {
        cwd: folder,
        stderr: "pipe",
      },
    );
    const [output, errors] = await Promise.all([new Response(run.stdout).text(), new Response(run.stderr).text()]);
    if ((await run.exited) === 0) return undefined;
    const [, seed, violation] = /^seed (\d+), turn \d+: (.*)$/m.exec(output) ?? [];
    if (seed === undefined) throw new Error(`the simulation of "${fault.name}" ended otherwise: ${errors.slice(-300)}`);
    const { failed } = await runCampaign({ seed: Number(seed), runsMax: 1 });
    if (failed) throw new Error(`without any fault, too: ${failureText(failed)}`);
    return { seed: Number(seed), violation };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** The text of the file with the fault. @throws Error if the source is not as the fault has it */
export function sourceWith({ file, find, replace }: Omit<Fault, "name">): string {
  const source = readFileSync(join(ROOT, file), "utf8");
  if (source.split(find).length !== 2) throw new Error(`${file} does not have this once: ${find}`);
  return source.replace(find, () => replace);
}

export function readSeeds(): Readonly<Record<string, number>> {
  return existsSync(SEEDS) ? JSON.parse(readFileSync(SEEDS, "utf8")) : {};
}

export function writeSeeds(seeds: Readonly<Record<string, number>>): void {
  writeFileSync(SEEDS, `${JSON.stringify(seeds, null, 2)}\n`);
}
