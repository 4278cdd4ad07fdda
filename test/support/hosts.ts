/**
 * Two hosts joined by a cable, for faults of networks: network namespaces of this machine, with nothing of its own
 * network in them (Linux, root and iproute2).
 *
 *     near 10.77.0.1/24  "cable" ---------- "cable"  far 10.77.0.2/24
 */

import { dlopen } from "bun:ffi";
import { describe, onTestFinished, test } from "bun:test";
import { closeSync, openSync } from "node:fs";
import type { AtEnd } from "./cleanUp.ts";

/** The network device of each host; "lo" is up as well. */
export const CABLE = "cable";

const CLONE_NEWNET = 0x40000000;
const NAME_BEGINS = "statsd-proxy-test-";

let hostsSoFar = 0;

/** Why there can be no namespaces here; undefined: there can. */
const WHY_NOT = whyNot();

/** For a test or a group that needs namespaces: where there can be none it is skipped, and says why in its name. */
export const needingNetns = {
  describe: (name: string, body: () => void) => describe.skipIf(WHY_NOT !== undefined)(named(name), body),
  test: (name: string, body: () => Promise<void>) => test.skipIf(WHY_NOT !== undefined)(named(name), body),
};

/** A host of its own: it has its own devices, addresses, routes, ports and firewall, and shares all else. */
export class Host {
  readonly address: string;
  private readonly name: string;

  private constructor(address: string) {
    this.address = address;
    this.name = `${NAME_BEGINS}${process.pid}-${hostsSoFar++}`;
  }

  /** Two hosts that reach each other, until the end of the test. */
  static async openTwo(atEnd: AtEnd = onTestFinished): Promise<[near: Host, far: Host]> {
    await removeLeftOver();
    const hosts: [Host, Host] = [new Host("10.77.0.1"), new Host("10.77.0.2")];
    for (const host of hosts) {
      await command(["ip", "netns", "add", host.name]);
      atEnd(() => host.remove());
    }
    const [near, far] = hosts;
    await near.ip("link", "add", CABLE, "type", "veth", "peer", "name", CABLE, "netns", far.name);
    for (const host of hosts) {
      await host.ip("link", "set", "lo", "up");
      await host.ip("link", "set", CABLE, "up");
      await host.ip("addr", "add", `${host.address}/24`, "dev", CABLE);
    }
    return hosts;
  }

  /** `ip` with these arguments, on this host. */
  async ip(...args: string[]): Promise<string> {
    return await command(["ip", "-netns", this.name, ...args]);
  }

  /** Runs a command there to its end; returns what it said. @throws if it fails */
  async run(...words: string[]): Promise<string> {
    return await command(this.command(words));
  }

  /** The command that runs another one there. */
  command(words: readonly string[]): string[] {
    return ["ip", "netns", "exec", this.name, ...words];
  }

  /**
   * Until `act` has ended, sockets that this process opens and programs that it starts are on this host, and stay there.
   * One `act` at a time.
   */
  async inside<T>(act: () => Promise<T>): Promise<T> {
    const here = openSync("/proc/thread-self/ns/net", "r");
    const there = openSync(`/run/netns/${this.name}`, "r");
    enter(there);
    try {
      return await act();
    } finally {
      enter(here);
      closeSync(here);
      closeSync(there);
    }
  }

  private async remove(): Promise<void> {
    await command(["ip", "netns", "del", this.name]);
  }
}

/** Those of a run that was killed. */
async function removeLeftOver(): Promise<void> {
  const names = (await command(["ip", "netns", "list"])).split("\n").map((line) => line.split(" ")[0]);
  for (const name of names) {
    const pid = name.startsWith(NAME_BEGINS) ? Number.parseInt(name.slice(NAME_BEGINS.length), 10) : process.pid;
    // Somebody else may have been faster.
    if (!isRunning(pid)) await command(["ip", "netns", "del", name]).catch(() => {});
  }
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

async function command(words: readonly string[]): Promise<string> {
  const child = Bun.spawn([...words], { stdin: "ignore", stdout: "pipe", stderr: "pipe" });
  const [exitCode, said, complaint] = await Promise.all([child.exited, child.stdout.text(), child.stderr.text()]);
  if (exitCode !== 0) throw new Error(`${words.join(" ")}: exit code ${exitCode}: ${complaint}`);
  return said;
}

/** The thread that runs JavaScript is the one that opens sockets and starts programs (Bun 1.4.5). */
function enter(namespace: number): void {
  const libc = dlopen("libc.so.6", { setns: { args: ["i32", "i32"], returns: "i32" } });
  if (libc.symbols.setns(namespace, CLONE_NEWNET) !== 0) throw new Error("setns failed");
  libc.close();
}

function whyNot(): string | undefined {
  if (process.platform !== "linux") return "Linux only";
  if (Bun.which("ip") === null || Bun.which("unshare") === null) return "no iproute2 here";
  const tried = Bun.spawnSync(["unshare", "--net", "--mount", "true"]);
  return tried.success ? undefined : "no network namespaces here";
}

function named(name: string): string {
  return WHY_NOT === undefined ? name : `${name} (skipped: ${WHY_NOT})`;
}
