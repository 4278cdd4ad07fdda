/** Backends as processes of their own, which can be killed, stopped, continued, and started again on the same ports. */
import { onTestFinished } from "bun:test";
import { connect } from "node:net";
import { dirname, join } from "node:path";
import { fileURLToPath } from "bun";
import type { AtEnd } from "./cleanUp.ts";
import { emptyFolder } from "./folder.ts";
import { freePorts } from "./ports.ts";
import { prefer } from "./priority.ts";
import { configFile, Running } from "./process.ts";
import { Tally, tallyFile } from "./tally.ts";
import { until } from "./until.ts";

/** What a management port does: with a connection, and when it is asked. */
export type PeerManners = "up" | "down" | "closing" | "silent" | "slow" | "endless" | "halfOpen" | "resetting";

export interface PeerOptions {
  readonly host?: string;
  /** Of its management port, whenever it starts. */
  readonly manners?: PeerManners;
  /** The proxy does not know its management port. */
  readonly isUnchecked?: boolean;
  /** Goes before each command, to run it elsewhere (a namespace). */
  readonly inside?: readonly string[];
  readonly atEnd?: AtEnd;
}

/** A backend, as the tests of faults see all kinds of it. */
export interface FaultyPeer {
  readonly node: { readonly host: string; readonly port: number; readonly managementport: number };
  readonly label: string;
  /** Its process now. */
  readonly pid: number;
  /** Lines that it has counted so far. What its socket held when it was killed is not among them. */
  readonly lines: () => Promise<number>;
  readonly signal: (signal: NodeJS.Signals) => void;
  /** Kills it and waits until it is gone. */
  readonly kill: () => Promise<void>;
  /** Starts it again after `kill`, and waits until it listens. */
  readonly restart: () => Promise<void>;
}

const STATSD = fileURLToPath(import.meta.resolve("statsd/stats.js"));
const SHIM = join(import.meta.dir, "statsdShim.cjs");

/** Etsy's daemon. */
export class EtsyPeer implements FaultyPeer {
  readonly node: { readonly host: string; readonly port: number; readonly managementport: number };
  private readonly atEnd: AtEnd;
  private running: Running | undefined;

  private constructor(port: number, managementport: number, atEnd: AtEnd) {
    this.node = { host: "127.0.0.1", port, managementport };
    this.atEnd = atEnd;
  }

  static async start({ atEnd = onTestFinished }: { readonly atEnd?: AtEnd } = {}): Promise<EtsyPeer> {
    const [port, managementport] = await freePorts(2);
    const peer = new EtsyPeer(port, managementport, atEnd);
    await peer.restart();
    return peer;
  }

  get label(): string {
    return `${this.node.host}:${this.node.port}`;
  }

  get pid(): number {
    if (this.running === undefined) throw new Error(`${this.label} does not run`);
    return this.running.pid;
  }

  /** Since it was started last. */
  async lines(): Promise<number> {
    const { host, managementport } = this.node;
    const answer = await new Promise<string>((resolve, reject) => {
      let text = "";
      const socket = connect({ host, port: managementport }, () => socket.end("counters\n"));
      socket.on("data", (bytes) => {
        text += bytes.toString("latin1");
        if (text.endsWith("}\nEND\n\n")) socket.destroy();
      });
      socket.on("error", reject);
      socket.on("close", () => resolve(text));
    });
    const [, count] = /'statsd\.metrics_received': (\d+)/.exec(answer) ?? [];
    if (count === undefined) throw new Error(`no count in ${JSON.stringify(answer.slice(0, 200))}`);
    return Number(count);
  }

  signal(signal: NodeJS.Signals): void {
    this.running?.signal(signal);
  }

  async kill(): Promise<void> {
    await this.running?.end();
    this.running = undefined;
  }

  async restart(): Promise<void> {
    const folder = emptyFolder(this.atEnd);
    const { host, port, managementport } = this.node;
    const file = configFile(folder, {
      address: host,
      port,
      mgmt_address: host,
      mgmt_port: managementport,
      backends: [join(dirname(STATSD), "backends", "console")],
      // It never forgets what it has counted.
      flushInterval: 3_600_000,
    });
    this.running = new Running(["node", "--require", SHIM, STATSD, file], folder, this.atEnd);
    prefer(this.running.pid);
    await this.running.line("server is up");
  }
}

/** One that counts the lines of a paced sender. */
export class Peer implements FaultyPeer {
  readonly node: { readonly host: string; readonly port: number; readonly managementport: number };
  readonly tally: Tally;
  private readonly file: string;
  private readonly managementport: number;
  private readonly options: PeerOptions;
  private child: Bun.Subprocess<"pipe", "pipe", "inherit"> | undefined;
  /** What it has said and nobody has waited for yet. */
  private readonly said: string[] = [];

  private constructor(port: number, managementport: number, options: PeerOptions) {
    const { host = "127.0.0.1", atEnd = onTestFinished } = options;
    this.options = options;
    this.managementport = managementport;
    this.node = { host, port, managementport: options.isUnchecked ? 0 : managementport };
    this.file = tallyFile(emptyFolder(atEnd));
    this.tally = new Tally(this.file);
    atEnd(() => this.kill());
  }

  static async start(options: PeerOptions = {}): Promise<Peer> {
    const [port, managementport] = await freePorts(2);
    const peer = new Peer(port, managementport, options);
    await peer.restart();
    return peer;
  }

  get label(): string {
    return `${this.node.host}:${this.node.port}`;
  }

  get pid(): number {
    if (this.child === undefined) throw new Error(`${this.label} does not run`);
    return this.child.pid;
  }

  async lines(): Promise<number> {
    return this.tally.lines;
  }

  signal(signal: NodeJS.Signals): void {
    this.child?.kill(signal);
  }

  async kill(): Promise<void> {
    this.child?.kill("SIGKILL");
    await this.child?.exited;
    this.child = undefined;
  }

  async restart(): Promise<void> {
    const { managementport } = this;
    const { host, port } = this.node;
    const { inside = [], manners = "up" } = this.options;
    const script = join(import.meta.dir, "peerProcess.ts");
    const words = [host, `${port}`, `${managementport}`, this.file, manners];
    const command = [...inside, process.execPath, script, ...words];
    this.said.length = 0;
    this.child = Bun.spawn(command, { stdin: "pipe", stdout: "pipe", stderr: "inherit" });
    prefer(this.child.pid);
    void this.read(this.child.stdout);
    await this.hears("ready");
  }

  /** Its management port behaves so from now on. */
  async turn(manners: PeerManners): Promise<void> {
    await this.obeys(manners);
  }

  /** Closes both ports and opens them again, by turns, until it is told to be steady. */
  async flap(eachMs: number): Promise<void> {
    await this.obeys(`flap ${eachMs}`);
  }

  /** Closes its UDP port, until it is told to be steady; whoever asks is told that all is well. */
  async deaf(): Promise<void> {
    await this.obeys("deaf");
  }

  async steady(): Promise<void> {
    await this.obeys("steady");
  }

  private async obeys(command: string): Promise<void> {
    this.child?.stdin.write(`${command}\n`);
    await this.child?.stdin.flush();
    await this.hears(command);
  }

  private async hears(word: string): Promise<void> {
    await until(`${word} from ${this.label}`, () => this.said.includes(word));
    this.said.splice(this.said.indexOf(word), 1);
  }

  private async read(stream: ReadableStream<Uint8Array>): Promise<void> {
    const decoder = new TextDecoder();
    for await (const bytes of stream) {
      const lines = decoder.decode(bytes, { stream: true }).split("\n");
      this.said.push(...lines.filter((line) => line !== ""));
    }
  }
}
