/** Programs that run beside the tests: started in a folder of their own, read line by line, and always ended. */
import { onTestFinished } from "bun:test";
import { readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { binary } from "./binary.ts";
import type { AtEnd } from "./cleanUp.ts";
import { emptyFolder } from "./folder.ts";
import { freePorts } from "./ports.ts";
import { until } from "./until.ts";

/** Longer than any program here should take for anything. */
const DEADLINE_MS = 60_000;

export interface Output {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program to its end, without anything of this process's environment that might change what it does. */
export async function run(command: string[], cwd: string, begun: (pid: number) => void = () => {}): Promise<Output> {
  const child = Bun.spawn(command, { cwd, env: plainEnvironment(), stdout: "pipe", stderr: "pipe", stdin: "ignore" });
  begun(child.pid);
  const deadline = setTimeout(() => child.kill("SIGKILL"), DEADLINE_MS);
  const [exitCode, stdout, stderr] = await Promise.all([child.exited, child.stdout.text(), child.stderr.text()]);
  clearTimeout(deadline);
  return { exitCode, stdout, stderr };
}

/** A program that goes on running. */
export class Running {
  readonly pid: number;
  readonly exited: Promise<number>;
  /** Lines of its standard output and error so far, as they came. */
  readonly lines: string[] = [];
  private readonly child: Bun.Subprocess<"ignore", "pipe", "pipe" | number>;

  /** With a descriptor for its standard error, what it says there is not in `lines`. */
  constructor(command: string[], cwd: string, atEnd: AtEnd = onTestFinished, stderr: "pipe" | number = "pipe") {
    this.child = Bun.spawn(command, { cwd, env: plainEnvironment(), stdin: "ignore", stdout: "pipe", stderr });
    this.pid = this.child.pid;
    this.exited = this.child.exited;
    void this.read(this.child.stdout);
    if (this.child.stderr instanceof ReadableStream) void this.read(this.child.stderr);
    atEnd(() => this.end());
  }

  /** The first line that holds `text`, as soon as there is one. */
  async line(text: string): Promise<string> {
    return await until(`a line with ${JSON.stringify(text)}`, () => {
      const found = this.lines.find((line) => line.includes(text));
      if (found !== undefined || this.child.exitCode === null) return found;
      const said = this.lines.slice(-10).map((line) => `\n  ${line.slice(0, 500)}`);
      throw new Error(`ended with ${this.child.exitCode} without having said ${JSON.stringify(text)}:${said.join("")}`);
    });
  }

  signal(signal: NodeJS.Signals): void {
    process.kill(this.pid, signal);
  }

  async end(): Promise<void> {
    this.child.kill("SIGKILL");
    await this.exited;
  }

  private async read(stream: ReadableStream<Uint8Array>): Promise<void> {
    const decoder = new TextDecoder();
    let rest = "";
    for await (const bytes of stream) {
      const lines = (rest + decoder.decode(bytes, { stream: true })).split("\n");
      rest = lines.pop() as string;
      this.lines.push(...lines);
    }
    if (rest !== "") this.lines.push(rest);
  }
}

interface NodeSettings {
  readonly host: string;
  readonly port: number;
  readonly managementport?: number;
  readonly name?: string;
  readonly weight?: number;
}

/** What a test sets in a configuration file; ports that it does not set are free ones. */
export interface Settings {
  readonly nodes: readonly NodeSettings[];
  readonly host?: string;
  readonly port?: number;
  readonly managementport?: number;
  readonly [key: string]: unknown;
}

export interface ProxyPorts {
  readonly port: number;
  readonly managementport: number;
}

/** The compiled binary, running. */
export class RunningProxy extends Running {
  /** Where it takes metrics (UDP). */
  readonly port: number;
  /** Where it answers commands (TCP). */
  readonly consolePort: number;
  /** The folder that it runs in. */
  readonly cwd: string;

  constructor(command: string[], cwd: string, { port, managementport }: ProxyPorts, atEnd?: AtEnd, stderr?: number) {
    super(command, cwd, atEnd, stderr);
    this.cwd = cwd;
    this.port = port;
    this.consolePort = managementport;
  }

  /** File descriptors that the process has open now. */
  openFiles(): number {
    return readdirSync(`/proc/${this.pid}/fd`).length;
  }
}

export interface StartOptions {
  readonly args?: string[];
  readonly folder?: string;
  readonly executable?: string;
  readonly atEnd?: AtEnd;
}

/** Starts the compiled binary in an otherwise empty folder, and waits until it listens. */
export async function startProxy(settings: Settings, options: StartOptions = {}): Promise<RunningProxy> {
  const { atEnd = onTestFinished, folder = emptyFolder(atEnd) } = options;
  const [port, managementport] = await freePorts(2);
  const complete = { host: "127.0.0.1", port, managementport, ...settings };
  return await startProxyWith(configFile(folder, complete), complete, { ...options, folder, atEnd });
}

/** The same with a file that is there, whatever its form, and says `ports`. */
export async function startProxyWith(file: string, ports: ProxyPorts, options: StartOptions): Promise<RunningProxy> {
  const { args = [], atEnd = onTestFinished, folder = emptyFolder(atEnd) } = options;
  const executable = options.executable ?? (await binary());
  const proxy = new RunningProxy([executable, "-f", file, ...args], folder, ports, atEnd);
  await proxy.line("event=listening");
  return proxy;
}

/** What kept a proxy from starting, as its log in JSON says: `FILE: REASON` each. */
export function startProblems(stderr: string): string[] {
  const events = stderr
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as Record<string, string>);
  return events.flatMap(({ event, level, time, file, reason }) => {
    if (event !== "start_failed") return [];
    return level === "error" && !Number.isNaN(Date.parse(time)) ? [`${file}: ${reason}`] : [`no such event: ${level}`];
  });
}

/** Writes a configuration file; returns its name. */
export function configFile(folder: string, settings: object | string): string {
  const file = "proxy.json";
  writeFileSync(join(folder, file), typeof settings === "string" ? settings : JSON.stringify(settings));
  return file;
}

function plainEnvironment(): Record<string, string> {
  const { PATH = "", TMPDIR } = process.env;
  return TMPDIR === undefined ? { PATH } : { PATH, TMPDIR };
}
