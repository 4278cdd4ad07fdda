/**
 * A demo of the main job: in this process, backends for the nodes of a configuration, and a trickle of sample metrics.
 */

import type { Config } from "../config/config.ts";
import { type CheckConfig, checkOf } from "../config/nodeCheck.ts";
import type { Problem } from "../config/problem.ts";
import { Opening } from "../engine/opening.ts";
import { type LineWriter, openLineWriter } from "../log/lineWriter.io.ts";
import { bunNetwork } from "../net/bunNetwork.io.ts";
import { escapeBytes } from "../text/escape.ts";
import { counted } from "../text/quantities.ts";
import { tableText } from "../text/table.ts";

const SAMPLE_INTERVAL_MS = 500;
const SAMPLES = [
  "web.requests:1|c",
  "web.latency:23|ms|@0.1",
  "cart.items:3|g",
  "queue.depth:42|g",
  "users.active:7|s",
  "cache.hits:1|c|#region:eu",
];

/** The longest that the exit waits for the output to be read. */
const END_MS_MAX = 100;

export class Demo {
  private readonly config: Config;
  private readonly opening = new Opening(bunNetwork);
  private readonly output: LineWriter;

  constructor(config: Config) {
    this.config = config;
    this.output = openLineWriter(1, (lines) => `(${counted(lines, "line")} dropped here)`);
    process.on("exit", () => this.output.flush(END_MS_MAX));
  }

  /** Opens a backend for each node: it prints the lines it gets, and its management port answers `health: up`. */
  async open(): Promise<readonly Problem[]> {
    const { opening } = this;
    await Promise.all(
      this.config.nodes.map(async (node, i) => {
        const { host, port, label } = node;
        const check = checkOf(node);
        const hostname = await opening.resolve(`nodes[${i}].host`, host);
        if (hostname === undefined) return;
        const data = (_: unknown, bytes: Buffer) => this.print(label, bytes);
        const socket = { data, error: () => {} };
        await opening.open(`nodes[${i}].port`, () => Bun.udpSocket({ hostname, port, socket }));
        if (check === undefined) return;
        const at = node.check === undefined ? "managementport" : "check.port";
        await opening.open(`nodes[${i}].${at}`, () => openHealth(hostname, check));
      }),
    );
    return opening.problems;
  }

  /** Prints what to type in another terminal, and starts sending sample metrics to the proxy. */
  async begin({ port, consolePort }: { readonly port: number; readonly consolePort: number }): Promise<void> {
    const { opening } = this;
    this.output.write(hints(port, consolePort));
    const hostname = this.config.host.includes(":") ? "::1" : "127.0.0.1";
    const connect = { hostname, port };
    const socket = await opening.open("port", () => Bun.udpSocket({ connect, socket: { error: () => {} } }));
    let turn = 0;
    const timer = setInterval(() => socket?.send(SAMPLES[turn++ % SAMPLES.length]), SAMPLE_INTERVAL_MS);
    await opening.open("port", () => ({ close: () => clearInterval(timer) }));
  }

  close(): void {
    this.opening.abandon();
  }

  private print(label: string, bytes: Buffer): void {
    for (const line of bytes.toString("latin1").split("\n")) {
      this.output.write(`${label}  got  ${escapeBytes(Buffer.from(line, "latin1"))}`);
    }
  }
}

function hints(port: number, consolePort: number): string {
  const commands = [
    [`printf 'my.metric:1|c' | nc -u -w1 127.0.0.1 ${port}`, "send a metric of your own"],
    [`echo stats | nc -w1 127.0.0.1 ${consolePort}`, "show the proxy's counters"],
    [`echo help | nc -w1 127.0.0.1 ${consolePort}`, "list all commands"],
  ];
  return [
    "",
    "statsd-proxy is relaying sample metrics to the demo's backends. In another terminal:",
    "",
    tableText(commands).replace(/^/gm, "  ").trimEnd(),
    "",
    "Press Ctrl-C to stop.",
    "",
  ].join("\n");
}

function openHealth(hostname: string, { type, port, expect = "health: up" }: CheckConfig) {
  const data = (client: { write(text: string): unknown; end(text: string): unknown }) => {
    if (type === "http") client.end(`HTTP/1.0 200 OK\r\n\r\n${expect}\n`);
    else client.write(`${expect}\n`);
  };
  const listener = Bun.listen({ hostname, port, socket: { data, error: () => {} } });
  return { close: () => listener.stop(true) };
}
