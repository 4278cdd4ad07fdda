/** A proxy that goes over to another configuration while it runs, with real backends. */
import { describe, expect, onTestFinished, setDefaultTimeout, test } from "bun:test";
import { type Config, readConfig } from "../../src/config/config.ts";
import type { Problem } from "../../src/config/problem.ts";
import { bunPlatform } from "../../src/engine/bunPlatform.io.ts";
import type { Platform } from "../../src/engine/platform.ts";
import { prometheusParts } from "../../src/http/prometheus.ts";
import { openLog } from "../../src/log/log.io.ts";
import { violations } from "../../src/observe/invariants.ts";
import { proxyStatsOf } from "../../src/observe/readings.ts";
import { isSummary } from "../../src/proxy/changeSummary.ts";
import { StatsdProxy } from "../../src/proxy/proxy.ts";
import { Backend } from "../support/backend.ts";
import { ask } from "../support/client.ts";
import { freePorts, silentSocket } from "../support/ports.ts";
import { until } from "../support/until.ts";

setDefaultTimeout(30_000);

interface NodeSettings {
  readonly host: string;
  readonly port: number;
  readonly managementport?: number;
  readonly name?: string;
  readonly weight?: number;
}

interface Settings {
  readonly port: number;
  readonly managementport: number;
  readonly nodes: readonly NodeSettings[];
  readonly [key: string]: unknown;
}

function configOf(settings: Settings): Config {
  const { config, errors } = readConfig(JSON.stringify(settings));
  if (config === undefined) throw new Error(JSON.stringify(errors));
  return config;
}

/** A proxy with its backends, and a client that sends to it. */
class Bench {
  readonly log: string[] = [];
  readonly settings: Settings;
  private readonly proxy: StatsdProxy;
  private sent = 0;

  private constructor(settings: Settings, proxy: StatsdProxy, log: string[]) {
    this.settings = settings;
    this.proxy = proxy;
    this.log = log;
  }

  static async open(
    nodes: readonly NodeSettings[],
    more: Readonly<Record<string, unknown>> = {},
    platform: Platform = bunPlatform,
  ): Promise<Bench> {
    const [port, managementport] = await freePorts(2);
    const settings = { port, managementport, nodes, maxDatagramBytes: 0, ...more };
    const log: string[] = [];
    const writer = { linesLost: 0, write: (line: string) => void log.push(line), flush: () => {} };
    const proxy = await StatsdProxy.start(configOf(settings), {
      platform,
      log: openLog({ format: "logfmt", level: "info", writer }),
      debugMode: false,
    });
    if (!(proxy instanceof StatsdProxy)) throw new Error(JSON.stringify(proxy));
    onTestFinished(() => proxy.stop());
    return new Bench(settings, proxy, log);
  }

  async stop(): Promise<void> {
    await this.proxy.stop();
  }

  /** Problems, if there are any. */
  async change(settings: Partial<Settings>): Promise<string[]> {
    const result = await this.proxy.change(configOf({ ...this.settings, ...settings }));
    return isSummary(result) ? [] : result.map(({ at, message }) => `${at}: ${message}`);
  }

  /** Sends so many lines of different names, and waits until each has its place. */
  async send(count: number, port = this.settings.port): Promise<string[]> {
    const socket = await silentSocket({ connect: { hostname: "127.0.0.1", port } });
    const lines = Array.from({ length: count }, () => `name.${this.sent++ % 100}:${this.sent}|c`);
    for (const line of lines) {
      while (!socket.send(line)) await Bun.sleep(1);
    }
    await until("all are received", () => this.view().counters.linesReceived >= this.sent);
    await until("none waits", () => this.figures().pending === 0);
    socket.close();
    return lines;
  }

  view() {
    return this.proxy.view();
  }

  figures() {
    const { counters, nodes, retired } = this.view();
    const all = [...nodes.map((node) => node.counters), retired.counters];
    return {
      accepted: counters.linesAccepted,
      relayed: all.reduce((sum, { linesRelayed }) => sum + linesRelayed, 0),
      pending: nodes.reduce((sum, { batch }) => sum + batch.linesPending, retired.linesPending),
      labels: nodes.map(({ label }) => label),
    };
  }
}

async function arrived(backends: readonly Backend[], count: number): Promise<void> {
  await until(`${count} lines`, () => backends.reduce((sum, { lines }) => sum + lines.length, 0) >= count);
}

test("a node that is added gets its names, one that is removed passes them on, and no line is lost or counted twice", async () => {
  const backends = [await Backend.open(), await Backend.open(), await Backend.open()];
  const [a, b, c] = backends.map(({ node }) => node);
  const bench = await Bench.open([a, b]);
  const lines = await bench.send(200);
  expect(await bench.change({ nodes: [a, b, c] })).toEqual([]);
  lines.push(...(await bench.send(200)));
  expect(await bench.change({ nodes: [c, a] })).toEqual([]);
  lines.push(...(await bench.send(200)));
  await arrived(backends, lines.length);

  expect(backends.flatMap(({ lines }) => lines).sort()).toEqual([...lines].sort());
  for (const { lines } of backends) expect(lines.length).toBeGreaterThan(0);
  const { labels, ...sums } = bench.figures();
  expect(sums).toEqual({ accepted: 600, relayed: 600, pending: 0 });
  expect(labels).toEqual([c, a].map(({ host, port }) => `${host}:${port}`));
  expect(bench.view().retired.counters.linesRelayed).toBe(backends[1].lines.length);
  expect(violations(bench.view())).toEqual([]);
});

test("a node that is in both configurations keeps its counters and its health, whatever its place", async () => {
  const backends = [await Backend.open(), await Backend.open()];
  const [a, b] = backends.map(({ node }) => node);
  const bench = await Bench.open([a, b]);
  await bench.send(100);
  const before = bench.view().nodes;
  await bench.change({ nodes: [b, a], fall: 7, checkInterval: 5000, ring: "etsy" });
  const after = bench.view().nodes;
  expect(after.map(({ label }) => label)).toEqual([before[1].label, before[0].label]);
  expect(after[0].counters).toBe(before[1].counters);
  expect(after[0].health.sinceMs).toBe(before[1].health.sinceMs);
});

test("a named node that moves keeps its names and its counters, and gets its lines at the new address", async () => {
  const backends = [await Backend.open(), await Backend.open(), await Backend.open()];
  const [a, b, moved] = backends.map(({ node }) => node);
  const bench = await Bench.open([
    { ...a, name: "a" },
    { ...b, name: "b" },
  ]);
  await bench.send(100);
  await arrived(backends, 100);
  await bench.change({
    nodes: [
      { ...a, name: "a" },
      { ...moved, name: "b" },
    ],
  });
  await bench.send(100);
  await arrived(backends, 200);
  const names = (lines: readonly string[]) => lines.map((line) => line.split(":")[0]).sort();
  expect(names(backends[2].lines)).toEqual(names(backends[1].lines));
  expect(bench.view().nodes[1].counters.linesRelayed).toBe(2 * backends[1].lines.length);
});

test("if something cannot be opened, nothing changes, and every problem is reported", async () => {
  const backend = await Backend.open();
  const bench = await Bench.open([backend.node]);
  const taken = await Backend.open();
  const [other] = await freePorts(1);
  const problems = await bench.change({
    host: "127.0.0.1",
    port: taken.port,
    managementport: other,
    nodes: [backend.node, { host: "255.255.255.255", port: 9 }],
  });
  expect(problems).toEqual([
    expect.stringContaining("nodes[1]: permission denied"),
    expect.stringMatching(/port: [\d.]+:\d+ is in use/),
  ]);
  expect(bench.figures().labels).toHaveLength(1);
  await bench.send(10);
  expect(await ask({ consolePort: bench.settings.managementport }, "ping")).toBe("pong\n");
  await expect(ask({ consolePort: other }, "ping")).rejects.toThrow();
});

test("metrics and console move to other ports: what the old socket holds is read, and the old console is gone", async () => {
  const backend = await Backend.open();
  const bench = await Bench.open([backend.node]);
  const [port, managementport] = await freePorts(2);
  await bench.send(50);
  const sender = await silentSocket({ connect: { hostname: "127.0.0.1", port: bench.settings.port } });
  for (let i = 0; i < 50; i++) sender.send(`last.${i}:1|c`);
  expect(await bench.change({ port, managementport })).toEqual([]);
  await until("the old socket is read to its end", () => bench.view().counters.linesReceived === 100);
  await expect(ask({ consolePort: bench.settings.managementport }, "ping")).rejects.toThrow();
  expect(await ask({ consolePort: managementport }, "ping")).toBe("pong\n");
  const socket = await silentSocket({ connect: { hostname: "127.0.0.1", port } });
  socket.send("new:1|c");
  await arrived([backend], 101);
  expect(bench.view().kernelDrops).toBe(0);
  expect(violations(bench.view())).toEqual([]);
});

test("mirroring begins and ends: the sums always hold", async () => {
  const backends = [await Backend.open(), await Backend.open()];
  const nodes = backends.map(({ node }) => node);
  const bench = await Bench.open(nodes);
  await bench.send(50);
  await bench.change({ nodes, mirror: true });
  await bench.send(50);
  expect(violations(bench.view())).toEqual([]);
  await bench.change({ nodes: [nodes[0]], mirror: true });
  await bench.send(50);
  await bench.change({ nodes: [nodes[0]] });
  await bench.send(50);
  await arrived(backends, 50 + 100 + 50 + 50);
  expect(violations(bench.view())).toEqual([]);
});

describe("a node that is down", () => {
  test("stays down across an unrelated change, and also without its check for as long as nobody listens", async () => {
    const living = await Backend.open();
    const [port, managementport] = await freePorts(2);
    const dead = { host: "127.0.0.1", port, managementport };
    const bench = await Bench.open([living.node, dead], { checkInterval: 50 });
    await until("it is out", () => !bench.view().nodes[1].isUp);
    await bench.change({ nodes: [living.node, dead], checkInterval: 50, types: ["c"] });
    expect(bench.view().nodes[1].isUp).toBe(false);
    const before = living.lines.length;
    await bench.send(100);
    await arrived([living], before + 100);
    await bench.change({ nodes: [living.node, { ...dead, managementport: 0 }], checkInterval: 50 });
    await until("looks whether somebody listens", () => bench.view().nodes[1].counters.refusals >= 5);
    expect(bench.view().nodes[1].isUp).toBe(false);
    expect(bench.view().nodes[1].counters.linesRefused).toBeLessThan(bench.view().nodes[1].counters.linesRelayed + 1);
    await Backend.open({ port });
    await until("it is back", () => bench.view().nodes[1].isUp);
    expect(bench.log.some((line) => line.includes("event=node_up"))).toBe(true);
  });

  test("keeps its names as soon as failover is hold, and passes them on when it is rehash again", async () => {
    const living = await Backend.open();
    const [port, managementport] = await freePorts(2);
    const dead = { host: "127.0.0.1", port, managementport };
    const nodes = [living.node, dead];
    const bench = await Bench.open(nodes, { checkInterval: 50 });
    await until("it is out", () => !bench.view().nodes[1].isUp);
    await bench.change({ nodes, checkInterval: 50, failover: "hold" });
    await bench.send(100);
    const { held } = bench.view().nodes[1].counters.linesDropped;
    expect(held).toBeGreaterThan(0);
    await bench.change({ nodes, checkInterval: 50, failover: "rehash" });
    await bench.send(100);
    expect(bench.view().nodes[1].counters.linesDropped.held).toBe(held);
  });
});

test("simultaneous changes are made one after the other, each as a whole", async () => {
  const backends = await Promise.all(Array.from({ length: 4 }, () => Backend.open()));
  const nodes = backends.map(({ node }) => node);
  const bench = await Bench.open(nodes);
  const changes = [nodes.slice(0, 1), nodes, nodes.slice(2), nodes.slice(1, 3)].map((nodes) => bench.change({ nodes }));
  expect(await Promise.all(changes)).toEqual([[], [], [], []]);
  expect(bench.figures().labels).toEqual(nodes.slice(1, 3).map(({ host, port }) => `${host}:${port}`));
  await bench.send(100);
  // Those that stay were never closed meanwhile.
  await arrived(backends.slice(1, 3), 100);
  expect(violations(bench.view())).toEqual([]);
});

test("a change that is not ready when the proxy stops is no more", async () => {
  const backends = [await Backend.open(), await Backend.open()];
  const [a, b] = backends.map(({ node }) => node);
  const bench = await Bench.open([a]);
  const change = bench.change({ nodes: [a, b] });
  await bench.stop();
  expect(await change).toEqual([": the proxy is stopping"]);
});

test("nor is one that was under way", async () => {
  const backends = [await Backend.open(), await Backend.open()];
  const [a, b] = backends.map(({ node }) => node);
  const { promise, resolve: letGo } = Promise.withResolvers<void>();
  let isAsked = false;
  const connectUdp: typeof bunPlatform.network.connectUdp = async (parts) => {
    if (parts.port === b.port) {
      isAsked = true;
      await promise;
    }
    return await bunPlatform.network.connectUdp(parts);
  };
  const bench = await Bench.open([a], {}, { ...bunPlatform, network: { ...bunPlatform.network, connectUdp } });
  const change = bench.change({ nodes: [a, b] });
  await until("its socket is being opened", () => isAsked);
  const stopped = bench.stop();
  letGo();
  expect(await change).toEqual([": the proxy is stopping"]);
  await stopped;
});

test("what the last nodes have counted stays in the sums, whoever leaves", async () => {
  const backends = [await Backend.open(), await Backend.open()];
  const [a, b] = backends.map(({ node }) => node);
  const bench = await Bench.open([a, b], { mirror: true });
  await bench.send(100);
  const before = Object.fromEntries(proxyStatsOf(bench.view()));
  await bench.change({ nodes: [b], mirror: true });
  const after = Object.fromEntries(proxyStatsOf(bench.view()));
  for (const name of ["lines_relayed", "lines_dropped", "lines_dropped.node_down", "datagrams_sent"]) {
    expect([name, after[name]]).toEqual([name, before[name]]);
  }
});

test("for Prometheus, too: sums over all nodes stay when one leaves", async () => {
  const backends = [await Backend.open(), await Backend.open()];
  const [a, b] = backends.map(({ node }) => node);
  const bench = await Bench.open([a, b]);
  await bench.send(100);
  const relayed = () => {
    const text = [...prometheusParts(bench.view(), {})].join("");
    const values = [...text.matchAll(/^statsd_proxy_lines_relayed_total\{.*\} (\d+)$/gm)].map(([, value]) =>
      Number(value),
    );
    return values.reduce((sum, value) => sum + value, 0);
  };
  expect(relayed()).toBe(100);
  await bench.change({ nodes: [b] });
  expect(relayed()).toBe(100);
});

test("rates are not those of old when HTTP is off", async () => {
  const backend = await Backend.open();
  const [httpport] = await freePorts(1);
  const bench = await Bench.open([backend.node], { httpport });
  await bench.send(10);
  await until("a rate", () => bench.view().nodes[0].rate !== undefined);
  await bench.change({ nodes: [backend.node], httpport: 0 });
  expect(bench.view().nodes[0].rate).toBeUndefined();
});

test("a new receive buffer is logged as it is granted", async () => {
  const backend = await Backend.open();
  const bench = await Bench.open([backend.node]);
  await bench.change({ nodes: [backend.node], receiveBuffer: 100_000 });
  expect(bench.log.at(-1)).toContain("event=receive_buffer asked=100000 granted=100000");
});

describe("an address of the same port", () => {
  const ANY = "0.0.0.0";
  const HERE = "127.0.0.1";

  test.each([
    ["metrics", "host"],
    ["console", "managementhost"],
    ["HTTP", "httphost"],
  ])("of the %s is taken over and back, and no other proxy may share the port", async (_, key) => {
    const backend = await Backend.open();
    const [httpport] = await freePorts(1);
    const settings = { nodes: [backend.node], httpport };
    const bench = await Bench.open(settings.nodes, { httpport, host: HERE, managementhost: HERE, httphost: HERE });
    const lines = await bench.send(20);
    for (const host of [ANY, HERE, ANY]) {
      expect(await bench.change({ ...settings, [key]: host })).toEqual([]);
      lines.push(...(await bench.send(20)));
      expect(await ask({ consolePort: bench.settings.managementport }, "ping")).toBe("pong\n");
      expect((await fetch(`http://127.0.0.1:${httpport}/healthz`)).status).toBe(200);
    }
    await arrived([backend], lines.length);
    expect([...backend.lines].sort()).toEqual([...lines].sort());
    const second = await StatsdProxy.start(configOf({ ...bench.settings, ...settings }), {
      platform: bunPlatform,
      log: openLog({ format: "logfmt", level: "error" }),
      debugMode: false,
    });
    expect(isProblems(second) && second.map(({ at }) => at)).toEqual(["httpport", "managementport", "port"]);
  });

  test("is given back when the change comes to nothing", async () => {
    const backend = await Backend.open();
    const bench = await Bench.open([backend.node], { host: HERE, managementhost: HERE });
    // Reserved for documentation: no machine has it.
    const elsewhere = { httpport: 9, httphost: "192.0.2.1" };
    expect(await bench.change({ nodes: [backend.node], host: ANY, managementhost: ANY, ...elsewhere })).toHaveLength(1);
    await bench.send(20);
    expect(await ask({ consolePort: bench.settings.managementport }, "ping")).toBe("pong\n");
    expect(await bench.change({ nodes: [backend.node], host: ANY, managementhost: ANY })).toEqual([]);
    await bench.send(20);
    await arrived([backend], 40);
  });

  test("console and HTTP may exchange their ports", async () => {
    const backend = await Backend.open();
    const [httpport] = await freePorts(1);
    const bench = await Bench.open([backend.node], { httpport });
    const { managementport } = bench.settings;
    const nodes = [backend.node];
    expect(await bench.change({ nodes, httpport: managementport, managementport: httpport })).toEqual([]);
    expect(await ask({ consolePort: httpport }, "ping")).toBe("pong\n");
    expect((await fetch(`http://127.0.0.1:${managementport}/healthz`)).status).toBe(200);
  });
});

function isProblems(result: StatsdProxy | readonly Problem[]): result is readonly Problem[] {
  return Array.isArray(result);
}
