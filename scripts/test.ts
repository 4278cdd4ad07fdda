/**
 * Runs all tests, or those in the files given, in several processes at once: most of them wait more than they compute. Its
 * last line says in plain words how many there were. `bun test` runs the same tests one after the other.
 *
 *     bun scripts/test.ts [--measure] [FILE...]
 *
 * The files that took longest come first, by test/timings.json, which `--measure` writes anew.
 */
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "bun";
import { BINARY_VARIABLE, buildBinary } from "../test/support/binary.ts";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const TIMINGS = join(ROOT, "test", "timings.json");
/** Longer than any test takes, also beside other programs; a file that needs more says so itself. */
const TIMEOUT_MS = 60_000;
/** Twice as many as there are cores, because of the waiting; not more, because some tests are about promptness. */
const PROCESSES = 2 * availableParallelism();

const words = process.argv.slice(2);
const isMeasured = words.includes("--measure");
const files = words.filter((word) => word !== "--measure");

// For all processes together.
const binary = await buildBinary();
const options = [`--parallel=${PROCESSES}`, `--timeout=${TIMEOUT_MS}`, `--timings=${TIMINGS}`];
const run = Bun.spawn([process.execPath, "test", ...options, ...(isMeasured ? ["--update-timings"] : []), ...files], {
  cwd: ROOT,
  env: { ...process.env, [BINARY_VARIABLE]: binary },
  stdin: "ignore",
  stdout: "inherit",
  stderr: "pipe",
});
const sums = await passOn(run.stderr);
const exitCode = await run.exited;
const passed = sums.get("pass") ?? 0;
const skipped = (sums.get("skip") ?? 0) + (sums.get("todo") ?? 0);
const failed = (sums.get("fail") ?? 0) + (sums.get("error") ?? 0);
// A run that broke off is no good one, whatever it said until then.
const failedAtLeast = exitCode === 0 ? failed : Math.max(failed, 1);
console.log(`${passed} passed, ${failedAtLeast} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`);
process.exit(failedAtLeast > 0 ? exitCode || 1 : 0);

/** Passes on what Bun says of the tests, and reads the sums at its end. */
async function passOn(stream: ReadableStream<Uint8Array>): Promise<Map<string, number>> {
  const sums = new Map<string, number>();
  const decoder = new TextDecoder();
  let rest = "";
  for await (const bytes of stream) {
    process.stderr.write(bytes);
    const lines = (rest + decoder.decode(bytes, { stream: true })).split("\n");
    rest = lines.pop() as string;
    for (const line of lines) {
      const [, count, what] = /^ (\d+) (pass|fail|skip|todo|error)s?$/.exec(Bun.stripANSI(line)) ?? [];
      if (what !== undefined) sums.set(what, Number(count));
    }
  }
  return sums;
}
