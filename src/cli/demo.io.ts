/** The main job, shown: backends for the nodes of a configuration, in this process, and a trickle of sample metrics. */
import type { Config } from "../config/config.ts";
import { resolveHost } from "../net/resolve.io.ts";
import type { Start } from "../proxy/start.ts";
import { escapeBytes } from "../text/escape.ts";

const SAMPLE_INTERVAL_MS = 500;
const SAMPLES = [
  "web.requests:1|c",
  "web.latency:23|ms|@0.1",
  "cart.items:3|g",
  "queue.depth:42|g",
  "users.active:7|s",
  "cache.hits:1|c|#region:eu",
];

/** Opens a backend for each node: it prints the lines that it gets, and its management port answers `health: up`. */
export async function openDemoBackends(config: Config, print: (text: string) => void, start: Start): Promise<void> {
  await Promise.all(
    config.nodes.map(async ({ host, port, managementport, label }, i) => {
      const hostname = await start.attempt(`nodes[${i}].host`, () => resolveHost(host));
      if (hostname === undefined) return;
      const data = (_: unknown, bytes: Buffer) => {
        for (const line of bytes.toString("latin1").split("\n")) {
          print(`${label}  got  ${escapeBytes(Buffer.from(line, "latin1"))}`);
        }
      };
      await start.open(`nodes[${i}].port`, () => Bun.udpSocket({ hostname, port, socket: { data, error: () => {} } }));
      if (managementport !== 0)
        await start.open(`nodes[${i}].managementport`, () => openHealth(hostname, managementport));
    }),
  );
}

/** Sends a sample metric to the proxy now and then. */
export async function startSamples(config: Config, port: number, start: Start): Promise<void> {
  const hostname = config.host.includes(":") ? "::1" : "127.0.0.1";
  const connect = { hostname, port };
  const socket = await start.open("port", () => Bun.udpSocket({ connect, socket: { error: () => {} } }));
  let turn = 0;
  const timer = setInterval(() => socket?.send(SAMPLES[turn++ % SAMPLES.length]), SAMPLE_INTERVAL_MS);
  await start.open("port", () => ({ close: () => clearInterval(timer) }));
}

/** What to type in another terminal. */
export function demoHints(port: number, consolePort: number): string {
  return [
    "",
    "statsd-proxy is relaying sample metrics to the backends of the demo. In another terminal:",
    "",
    `  printf 'my.metric:1|c' | nc -u -w1 127.0.0.1 ${port}     send a metric of your own`,
    `  echo stats | nc -w1 127.0.0.1 ${consolePort}                      show what the proxy has counted`,
    `  echo help | nc -w1 127.0.0.1 ${consolePort}                       list all commands`,
    "",
    "Press Ctrl-C to stop.",
    "",
  ].join("\n");
}

function openHealth(hostname: string, port: number) {
  const answer = (client: { write(text: string): unknown }) => void client.write("health: up\n");
  const listener = Bun.listen({ hostname, port, socket: { data: answer, error: () => {} } });
  return { close: () => listener.stop(true) };
}
