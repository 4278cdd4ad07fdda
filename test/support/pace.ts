/** A steady stream of datagrams from a process of its own, bounded in time whatever happens. */
import { onTestFinished } from "bun:test";
import { join } from "node:path";

export interface Pace {
  /** Ends it; returns how many datagrams it sent. */
  readonly end: () => Promise<number>;
}

/** @param nameBytes length of each datagram's one name; 0: a short line as they usually are */
export async function startPace(port: number, datagramsPerSecond: number, nameBytes = 0): Promise<Pace> {
  const args = [port, datagramsPerSecond, nameBytes].map(String);
  const command = [process.execPath, join(import.meta.dir, "pacer.ts"), ...args];
  const child = Bun.spawn(command, { stdin: "pipe", stdout: "pipe", stderr: "inherit" });
  onTestFinished(async () => {
    child.kill("SIGKILL");
    await child.exited;
  });
  const reader = child.stdout.getReader();
  await reader.read();
  const end = async () => {
    child.stdin.end();
    return Number(new TextDecoder().decode((await reader.read()).value));
  };
  return { end };
}
