/** A flood of datagrams from a process of its own, bounded in time whatever happens. */
import { onTestFinished } from "bun:test";
import { join } from "node:path";

export interface Flood {
  /** Ends it; tells whether it was still going on, or had run out of time. */
  readonly end: () => Promise<"ended while it was flooding" | "ran out of time">;
}

/** Starts a flood of datagrams to a UDP port of this machine. */
export async function startFlood(port: number, { datagramBytes = 1400, timeMs = 10_000 } = {}): Promise<Flood> {
  const command = [process.execPath, join(import.meta.dir, "flooder.ts"), `${port}`, `${datagramBytes}`, `${timeMs}`];
  const child = Bun.spawn(command, { stdin: "pipe", stdout: "pipe", stderr: "inherit" });
  onTestFinished(async () => {
    child.kill("SIGKILL");
    await child.exited;
  });
  const reader = child.stdout.getReader();
  await reader.read();
  const end = async () => {
    child.stdin.end();
    return (await child.exited) === 0 ? "ended while it was flooding" : "ran out of time";
  };
  return { end };
}
