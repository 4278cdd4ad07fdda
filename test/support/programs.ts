/** Programs that a test needs and that not every machine has. */
import { describe, test } from "bun:test";

/** What the name of a test says that is skipped elsewhere: the faults are brought about by signals, namespaces and /proc. */
export const LINUX_ONLY = process.platform === "linux" ? "" : " (skipped: Linux only)";

/** For a test or a group that needs programs: where one is missing it is skipped, and says so in its name. */
export function needing(...programs: readonly string[]) {
  const missing = programs.filter((program) => Bun.which(program) === null);
  const reason = missing.length === 0 ? "" : ` (skipped: no ${missing.join(", no ")} here)`;
  return {
    describe: (name: string, body: () => void) => describe.skipIf(missing.length > 0)(name + reason, body),
    test: (name: string, body: () => Promise<void>) => test.skipIf(missing.length > 0)(name + reason, body),
  };
}
