/** The compiled binary that the end-to-end tests run: what scripts/build.ts makes of the sources as they are. */
import { mkdirSync, renameSync } from "node:fs";
import { join } from "node:path";
import { build } from "../../scripts/build.ts";

/** One place for all runs, so that they leave nothing behind that grows. */
const FOLDER = join(import.meta.dir, "..", "..", "dist", "test");

let built: Promise<string> | undefined;

/** Path of the binary. It is built once in a test run. */
export function binary(): Promise<string> {
  built ??= buildBinary();
  return built;
}

async function buildBinary(): Promise<string> {
  mkdirSync(FOLDER, { recursive: true });
  const path = join(FOLDER, "statsd-proxy");
  const fresh = `${path}-${process.pid}`;
  await build(fresh);
  // A file that another run executes cannot be written to, but can be replaced.
  renameSync(fresh, path);
  return path;
}
