/** Decides which CPU the relay gets for itself, and which one everything else. */
import { readFileSync } from "node:fs";

export interface Pinning {
  /** Prefix for a command. */
  readonly relay: readonly string[];
  readonly rest: readonly string[];
  /** For people. */
  readonly text: string;
}

export function pinning(wanted: boolean): Pinning {
  if (!wanted) return unpinned("as asked");
  if (process.platform !== "linux" || Bun.which("taskset") === null) return unpinned("there is no taskset here");
  const [first, second] = allowedCpus();
  if (second === undefined) return unpinned("there is only one CPU");
  const relay = ["taskset", "-c", `${first}`];
  const rest = ["taskset", "-c", `${second}`];
  if (![relay, rest].every(works)) return unpinned("taskset does not work here");
  return { relay, rest, text: `Pinned by taskset: the relay to CPU ${first}, sender and backends to CPU ${second}.` };
}

function unpinned(reason: string): Pinning {
  return { relay: [], rest: [], text: `Nothing is pinned to a CPU: ${reason}. Figures may be noisier.` };
}

/** CPUs that this process may run on, from a list such as "0-3,8". */
function allowedCpus(): number[] {
  const [, list = ""] = /^Cpus_allowed_list:\s*(.*)$/m.exec(readFileSync("/proc/self/status", "utf8")) ?? [];
  return list.split(",").flatMap((range) => {
    const [first, last = first] = range.split("-").map(Number);
    return Array.from({ length: last - first + 1 }, (_, i) => first + i);
  });
}

function works(prefix: readonly string[]): boolean {
  return Bun.spawnSync([...prefix, "true"], { stdout: "ignore", stderr: "ignore" }).exitCode === 0;
}
