/** The compiled binary that the end-to-end tests run: what scripts/build.ts makes of the sources as they are. */
import { mkdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { build } from "../../scripts/build.ts";

/** In the environment of test processes: the path of a binary that was built for all of them. */
export const BINARY_VARIABLE = "STATSD_PROXY_TEST_BINARY";

/** One place for all runs, so that they leave nothing behind that grows. */
const FOLDER = join(import.meta.dir, "..", "..", "dist", "test");

let built: Promise<string> | undefined;

/** Path of the binary. It is built once in a test run. */
export function binary(): Promise<string> {
  const given = process.env[BINARY_VARIABLE];
  built ??= given === undefined ? buildBinary() : Promise.resolve(given);
  return built;
}

export async function buildBinary(): Promise<string> {
  const path = join(FOLDER, "statsd-proxy");
  // Bun (1.4.5) writes the file's name into it: it has the one that it has in a release.
  const folder = join(FOLDER, `fresh-${process.pid}`);
  const fresh = join(folder, "statsd-proxy");
  mkdirSync(folder, { recursive: true });
  try {
    await build(fresh);
    // A file that another run executes cannot be written to, but can be replaced.
    renameSync(fresh, path);
  } finally {
    rmSync(folder, { recursive: true });
  }
  return path;
}
