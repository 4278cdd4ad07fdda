/**
 * Hosts that are network namespaces of this machine: with interfaces, routes and rules of their own, which a test may
 * spoil. They leave nothing behind, because no name holds them: only the processes inside do.
 */
import { onTestFinished } from "bun:test";
import { existsSync } from "node:fs";
import { join } from "node:path";
import type { AtEnd } from "./cleanUp.ts";
import { run } from "./process.ts";

/** For the name of a test: why there can be no namespaces here. Empty: there can. */
export const NO_NETNS = reason();

function reason(): string {
  if (process.platform !== "linux") return " (skipped: Linux only)";
  const missing = ["unshare", "nsenter", "ip"].filter((program) => Bun.which(program) === null);
  if (missing.length > 0) return ` (skipped: there is no ${missing.join(", no ")} here)`;
  const works = "ip link set lo up && ip link add here type veth peer name there";
  const isAllowed = Bun.spawnSync(["unshare", "--net", "sh", "-c", works], { stderr: "ignore" }).success;
  return isAllowed ? "" : " (skipped: network namespaces are forbidden here)";
}

/** The same for wires that are rough. */
export const NO_ROUGH_WIRES =
  NO_NETNS || (existsSync("/dev/net/tun") ? "" : " (skipped: there is no /dev/net/tun here)");

/** Ways of a rough wire: see roughWire.ts. */
type Roughness = "clear" | `lose ${number}` | `delay ${number}`;

export interface RoughWire {
  /** From now on it is like that. */
  readonly turn: (roughness: Roughness) => Promise<void>;
}

export class NetworkHost {
  /** Goes before a command, to run it there. */
  readonly inside: readonly string[];
  private readonly child: Bun.Subprocess<"pipe", "pipe", "inherit">;
  private readonly answers: AsyncIterator<string>;

  private constructor(child: Bun.Subprocess<"pipe", "pipe", "inherit">) {
    this.child = child;
    this.inside = ["nsenter", `--net=/proc/${child.pid}/ns/net`];
    this.answers = linesOf(child.stdout);
  }

  /** A host with nothing but a loopback interface. */
  static async start(atEnd: AtEnd = onTestFinished): Promise<NetworkHost> {
    const command = ["unshare", "--net", process.execPath, join(import.meta.dir, "inNamespace.ts")];
    const child = Bun.spawn(command, { stdin: "pipe", stdout: "pipe", stderr: "inherit" });
    const host = new NetworkHost(child);
    atEnd(async () => {
      child.kill("SIGKILL");
      await child.exited;
    });
    await host.answers.next();
    await host.run("ip link set lo up");
    return host;
  }

  /** Joins two hosts by a wire with an interface at each end, named `wire`; each end gets its addresses, as 10.77.0.1/24. */
  static async join(
    [one, ones]: readonly [NetworkHost, readonly string[]],
    [other, others]: readonly [NetworkHost, readonly string[]],
  ): Promise<void> {
    await one.run(`ip link add wire type veth peer name wire netns ${other.child.pid}`);
    await Promise.all([one.begin(ones), other.begin(others)]);
  }

  /** The same with a wire that can lose, delay and reorder packets. */
  static async joinRoughly(
    [one, ones]: readonly [NetworkHost, readonly string[]],
    [other, others]: readonly [NetworkHost, readonly string[]],
    atEnd: AtEnd = onTestFinished,
  ): Promise<RoughWire> {
    const command = [process.execPath, join(import.meta.dir, "roughWire.ts"), `${one.child.pid}`, `${other.child.pid}`];
    const child = Bun.spawn(command, { stdin: "pipe", stdout: "pipe", stderr: "inherit" });
    atEnd(async () => {
      child.kill("SIGKILL");
      await child.exited;
    });
    const said = linesOf(child.stdout);
    await said.next();
    await Promise.all([one.begin(ones), other.begin(others)]);
    const turn = async (roughness: Roughness) => {
      child.stdin.write(`${roughness}\n`);
      await child.stdin.flush();
      await said.next();
    };
    return { turn };
  }

  /** Runs a shell command there. @throws if it fails */
  async run(command: string): Promise<void> {
    const { exitCode, stderr } = await run([...this.inside, "sh", "-euc", command], "/");
    if (exitCode !== 0) throw new Error(`${command}: ${stderr}`);
  }

  private async begin(addresses: readonly string[]): Promise<void> {
    const add = addresses.map((address) => `ip address add ${address} dev wire; `);
    await this.run(`${add.join("")}ip link set wire up`);
  }

  /** What a console there answers. @throws if it does not */
  async ask({ consolePort }: { readonly consolePort: number }, command: string): Promise<string> {
    this.child.stdin.write(`${JSON.stringify({ port: consolePort, command })}\n`);
    await this.child.stdin.flush();
    const answer = JSON.parse((await this.answers.next()).value);
    if (answer === null) throw new Error(`no answer to ${command}`);
    return answer;
  }
}

async function* linesOf(stream: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const bytes of stream) {
    const lines = (rest + decoder.decode(bytes, { stream: true })).split("\n");
    rest = lines.pop() as string;
    yield* lines;
  }
}
