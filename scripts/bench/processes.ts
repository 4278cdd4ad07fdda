/** The processes of a measurement: every one is ended by its pid, whatever happens. */
import type { Subprocess } from "bun";
import { processTree, startedAtTicks } from "./usage.ts";

/** Time between SIGTERM and SIGKILL. */
const END_MS_MAX = 3000;

const running = new Set<Subprocess>();

/** Makes sure that `endAll` ends it. */
export function remember<Process extends Subprocess>(child: Process): Process {
  running.add(child);
  return child;
}

/** Ends a process, and those of its descendants that outlive it. */
export async function end(child: Subprocess): Promise<void> {
  const descendants = processTree(child.pid).slice(1);
  const startedAt = descendants.map(startedAtTicks);
  child.kill("SIGTERM");
  const timer = setTimeout(() => child.kill("SIGKILL"), END_MS_MAX);
  await child.exited;
  clearTimeout(timer);
  running.delete(child);
  descendants.forEach((pid, i) => {
    if (startedAt[i] > 0 && startedAtTicks(pid) === startedAt[i]) kill(pid);
  });
}

export async function endAll(): Promise<void> {
  await Promise.all([...running].map(end));
}

function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {}
}
