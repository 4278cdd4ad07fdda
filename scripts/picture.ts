/**
 * Takes the picture of the status page for the README, .github/status-page.png: the real page of a real proxy in a real
 * browser, after a minute and a half of traffic during which a node is down for a while. Needs chromium on the PATH.
 */
import { mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "bun";
import { openBrowser, Visit } from "../test/support/browser.ts";

const HOST = "127.0.0.1";
const PICTURE = fileURLToPath(new URL("../.github/status-page.png", import.meta.url));
/** A page that is slow to load makes people leave. */
const PICTURE_BYTES_MAX = 200_000;

const SECONDS = 90;
const OUT_FROM_SECONDS = 44;
const OUT_TO_SECONDS = 61;
const TICK_MS = 25;
const LINES_PER_DATAGRAM = 12;

const NODES = [
  { name: "statsd-a", weight: 2 },
  { name: "statsd-b", weight: 1 },
  { name: "statsd-c", weight: 1 },
  { name: "statsd-d", weight: 1 },
];
/** Index in NODES of the node that is down for a while. */
const VICTIM = 2;

const SERVICES = ["web", "cart", "search", "mail", "auth", "queue", "billing", "images"];
const METRICS = [
  "requests:1|c",
  "latency:23|ms|@0.1",
  "errors:1|c",
  "workers:12|g",
  "users:7|s",
  "bytes:512|c|#zone:b",
];

await takePicture();

async function takePicture(): Promise<void> {
  const ends: (() => unknown)[] = [];
  const atEnd = (end: () => void | Promise<void>) => void ends.push(end);
  try {
    const backends = await Promise.all(NODES.map(openBackend));
    for (const { close } of backends) atEnd(close);
    const nodes = backends.map(({ port, managementport }, i) => ({ host: HOST, port, managementport, ...NODES[i] }));
    const [port, managementport, httpport] = await freePorts();
    const folder = mkdtempSync(join(tmpdir(), "statsd-proxy-picture-"));
    atEnd(() => rmSync(folder, { recursive: true }));
    const file = join(folder, "statsdproxy.json");
    writeFileSync(file, JSON.stringify({ host: HOST, port, managementport, httpport, nodes }));

    const main = fileURLToPath(new URL("../src/main.ts", import.meta.url));
    const proxy = Bun.spawn([process.execPath, main, "-f", file], {
      cwd: folder,
      stdout: "inherit",
      stderr: "inherit",
    });
    atEnd(async () => {
      proxy.kill("SIGTERM");
      await proxy.exited;
    });
    const page = `http://${HOST}:${httpport}`;
    await answers(`${page}/healthz`, proxy);

    const traffic = await Traffic.begin(port);
    atEnd(() => traffic.end());
    const visit = await Visit.begin(await openBrowser(atEnd), page, { colorScheme: "light" }, atEnd);
    await Bun.sleep(1000 * OUT_FROM_SECONDS);
    backends[VICTIM].goOut();
    await Bun.sleep(1000 * (OUT_TO_SECONDS - OUT_FROM_SECONDS));
    backends[VICTIM].comeBack();
    await Bun.sleep(1000 * (SECONDS - OUT_TO_SECONDS));
    await visit.page.fill("#where-name", "web.host7.requests");
    await visit.page.click("form button");
    await visit.page.waitForSelector("#where-answer:not(:empty)");
    await visit.page.waitForSelector("#changes li:nth-child(2)");
    if (visit.complaints.length > 0) throw new Error(visit.complaints.join("\n"));
    const png = await visit.page.screenshot({ fullPage: true });
    await new Bun.Image(png).png({ palette: true, compressionLevel: 9 }).write(PICTURE);
  } finally {
    for (const end of ends.reverse()) await end();
  }
  const { size } = statSync(PICTURE);
  console.log(`${PICTURE}: ${size} bytes`);
  if (size > PICTURE_BYTES_MAX) throw new Error(`more than ${PICTURE_BYTES_MAX} bytes`);
}

/** A port for metrics that accepts everything, and a management port that answers like a statsd daemon. */
async function openBackend() {
  const metrics = await Bun.udpSocket({ hostname: HOST, port: 0, socket: { data: () => {}, error: () => {} } });
  const listen = (port: number) =>
    Bun.listen({
      hostname: HOST,
      port,
      socket: { data: (client) => void client.write("health: up\n"), error: () => {} },
    });
  let management = listen(0);
  const managementport = management.port;
  return {
    port: metrics.port,
    managementport,
    goOut: () => management.stop(true),
    comeBack: () => {
      management = listen(managementport);
    },
    close: () => {
      metrics.close();
      management.stop(true);
    },
  };
}

/** For metrics (UDP), the console and HTTP (TCP). */
async function freePorts(): Promise<[number, number, number]> {
  const metrics = await Bun.udpSocket({ hostname: HOST, port: 0 });
  const listeners = [0, 0].map(() => Bun.listen({ hostname: HOST, port: 0, socket: { data: () => {} } }));
  const ports: [number, number, number] = [metrics.port, listeners[0].port, listeners[1].port];
  metrics.close();
  for (const listener of listeners) listener.stop(true);
  return ports;
}

/** Waits until the port answers. @throws Error if the proxy exits instead */
async function answers(url: string, proxy: Bun.Subprocess): Promise<void> {
  while (proxy.exitCode === null) {
    const reply = await fetch(url).catch(() => undefined);
    if (reply !== undefined) return;
    await Bun.sleep(50);
  }
  throw new Error("the proxy ended");
}

/** Sends metrics over UDP, at a rate that rises and falls, until stopped. */
class Traffic {
  private readonly timer: ReturnType<typeof setInterval>;
  private readonly socket: { send(text: string): boolean; close(): void };
  private readonly beganMs = performance.now();
  private sentToMs = 0;
  private due = 0;
  private lines = 0;

  private constructor(socket: Traffic["socket"]) {
    this.socket = socket;
    this.timer = setInterval(() => this.tick(), TICK_MS);
  }

  static async begin(port: number): Promise<Traffic> {
    return new Traffic(await Bun.udpSocket({ hostname: HOST, connect: { hostname: HOST, port } }));
  }

  end(): void {
    clearInterval(this.timer);
    this.socket.close();
  }

  private tick(): void {
    const atMs = performance.now() - this.beganMs;
    const second = atMs / 1000;
    this.due += (linesPerSecond(second) * (atMs - this.sentToMs)) / 1000;
    this.sentToMs = atMs;
    for (; this.due >= LINES_PER_DATAGRAM; this.due -= LINES_PER_DATAGRAM) {
      this.socket.send(Array.from({ length: LINES_PER_DATAGRAM }, () => lineOf(this.lines++, second)).join("\n"));
    }
  }
}

/** Waves, some noise, and a rush near the end. */
function linesPerSecond(atSecond: number): number {
  const waves = 900 * Math.sin(atSecond / 7) + 300 * Math.sin(atSecond / 1.9);
  const rush = 2600 * Math.exp(-(((atSecond - 72) / 4) ** 2));
  return 3200 + waves + rush + 400 * (Math.random() - 0.5);
}

/** One line in a few hundred is not a metric, and more of them for a few seconds. */
function lineOf(turn: number, atSecond: number): string {
  const isBad = Math.random() < (atSecond > 24 && atSecond < 31 ? 0.02 : 0.002);
  const service = SERVICES[turn % SERVICES.length];
  if (isBad) return `${service}.temperature=21`;
  return `${service}.host${turn % 97}.${METRICS[turn % METRICS.length]}`;
}
