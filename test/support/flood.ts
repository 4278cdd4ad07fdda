/** A flood of datagrams from a process of its own, bounded in time whatever happens. */
import { onTestFinished } from "bun:test";
import { join } from "node:path";

export interface Flood {
  /** Ends it; tells whether it was still going on, or had run out of time, and how many datagrams it sent. */
  readonly end: () => Promise<{ outcome: "ended while it was flooding" | "ran out of time"; datagrams: number }>;
}

/** Starts a flood of datagrams of 1400 bytes to a UDP port of this machine, which lasts no longer than half a minute; `inside` goes before the command, to run it elsewhere. */
export async function startFlood(port: number, host = "127.0.0.1", inside: readonly string[] = []): Promise<Flood> {
  const command = [...inside, process.execPath, join(import.meta.dir, "flooder.ts"), host, `${port}`];
  const child = Bun.spawn(command, { stdin: "pipe", stdout: "pipe", stderr: "inherit" });
  onTestFinished(async () => {
    child.kill("SIGKILL");
    await child.exited;
  });
  const reader = child.stdout.getReader();
  await reader.read();
  const end = async () => {
    child.stdin.end();
    const said = new TextDecoder().decode((await reader.read()).value);
    const outcome = (await child.exited) === 0 ? "ended while it was flooding" : "ran out of time";
    return { outcome, datagrams: Number(said) } as const;
  };
  return { end };
}
