/** A check of the simulation itself: with a fault put back in a copy of the sources, some seed must find it. */
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Fault } from "./faults.ts";

const ROOT = join(import.meta.dir, "..", "..");
/** What the simulation is made of. */
const COPIED = ["src", "test/simulation", "test/support", "scripts/simulate.ts", "package.json", "tsconfig.json"];
const RUNS_MAX = 4000;

/** The seed and what it found; undefined: none of many did. @throws Error if the source is not as the fault has it */
export async function findFault(fault: Fault): Promise<string | undefined> {
  const folder = mkdtempSync(join(tmpdir(), "statsd-proxy-fault-"));
  try {
    for (const path of COPIED) cpSync(join(ROOT, path), join(folder, path), { recursive: true });
    symlinkSync(join(ROOT, "node_modules"), join(folder, "node_modules"));
    writeFileSync(join(folder, fault.file), sourceWith(fault));
    const run = Bun.spawn([process.execPath, "scripts/simulate.ts", "--seed", "1", "--runs", String(RUNS_MAX)], {
      cwd: folder,
      stderr: "pipe",
    });
    const [output, errors] = await Promise.all([new Response(run.stdout).text(), new Response(run.stderr).text()]);
    if ((await run.exited) === 0) return undefined;
    return /^seed \d+.*$/m.exec(output)?.[0] ?? `ended otherwise: ${errors.slice(-300)}`;
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
