/** Nodes with names, on a real network whose name servers say what the test wants. */
import { describe, expect, onTestFinished, setDefaultTimeout, test } from "bun:test";
import { readConfig } from "../../src/config/config.ts";
import { bunPlatform } from "../../src/engine/bunPlatform.io.ts";
import { violations } from "../../src/observe/invariants.ts";
import { isSummary } from "../../src/proxy/changeSummary.ts";
import { StatsdProxy } from "../../src/proxy/proxy.ts";
import { Backend } from "../support/backend.ts";
import { ask } from "../support/client.ts";
import { KeptLog } from "../support/logs.ts";
import { FakeNames } from "../support/nameServer.ts";
import { freePorts, IPV6_HERE, silentSocket } from "../support/ports.ts";
import { until } from "../support/until.ts";

setDefaultTimeout(30_000);

const NAME = "statsd.test";

interface Settings {
  readonly nodes: readonly object[];
  readonly [key: string]: unknown;
}

class Bench {
  readonly log = new KeptLog();
  readonly names: FakeNames;
  readonly ports: { readonly port: number; readonly managementport: number };
  private started: StatsdProxy | undefined;
  private sent = 0;

  private constructor(names: FakeNames, ports: { port: number; managementport: number }) {
    this.names = names;
    this.ports = ports;
  }

  static async of(names: FakeNames): Promise<Bench> {
    const [port, managementport] = await freePorts(2);
    return new Bench(names, { port, managementport });
  }

  static async start(names: FakeNames, settings: Settings): Promise<Bench> {
    const bench = await Bench.of(names);
    expect(await bench.start(settings)).toEqual([]);
    return bench;
  }

  /** Problems, if there are any. */
  async start(settings: Settings): Promise<string[]> {
    const network = { ...bunPlatform.network, nameService: this.names };
    const parts = { platform: { ...bunPlatform, network }, log: this.log, debugMode: false };
    const started = await StatsdProxy.start(this.configOf(settings), parts);
    if (!(started instanceof StatsdProxy)) return started.map(({ at, message }) => `${at}: ${message}`);
    this.started = started;
    onTestFinished(() => started.stop());
    return [];
  }

  async change(settings: Settings): Promise<string[]> {
    const result = await this.proxy.change(this.configOf(settings));
    return isSummary(result) ? [] : result.map(({ at, message }) => `${at}: ${message}`);
  }

  get proxy(): StatsdProxy {
    if (this.started === undefined) throw new Error("it has not started");
    return this.started;
  }

  view() {
    return this.proxy.view();
  }

  labels(): string[] {
    return this.view().nodes.map(({ label }) => label);
  }

  async logged(text: string): Promise<string> {
    return await until(text, () => this.log.lines.find((line) => line.includes(text)));
  }

  /** Sends so many lines of different names, and waits until each has its place. */
  async send(count: number): Promise<void> {
    const socket = await silentSocket({ connect: { hostname: "127.0.0.1", port: this.ports.port } });
    for (let i = 0; i < count; i++) while (!socket.send(`name.${this.sent++ % 100}:1|c`)) await Bun.sleep(1);
    await until("all are received", () => this.view().counters.linesReceived >= this.sent);
    await until("none waits", () => this.view().nodes.every(({ batch }) => batch.linesPending === 0));
    socket.close();
    expect(violations(this.view())).toEqual([]);
  }

  private configOf(settings: Settings) {
    const file = { host: "127.0.0.1", resolveInterval: 1000, maxDatagramBytes: 0, ...this.ports, ...settings };
    const { config, errors } = readConfig(JSON.stringify(file));
    if (config === undefined) throw new Error(JSON.stringify(errors));
    return config;
  }
}

/** Backends on different addresses, all with the same port. */
async function backendsAt(...hosts: string[]): Promise<Backend[]> {
  const first = await Backend.open({ host: hosts[0] });
  return [first, ...(await Promise.all(hosts.slice(1).map((host) => Backend.open({ host, port: first.port }))))];
}

const linesOf = (backends: readonly Backend[]) => backends.reduce((sum, { lines }) => sum + lines.length, 0);

async function arrived(backends: readonly Backend[], count: number): Promise<void> {
  await until(`${count} lines`, () => linesOf(backends) >= count);
}

test("a proxy does not begin to listen at the address of a node's name", async () => {
  const [backend] = await backendsAt("127.0.0.2");
  const { port } = backend;
  backend.close();
  const names = new FakeNames();
  names.say(NAME, ["127.0.0.2"]);
  const nodes = [{ host: NAME, port }];
  const bench = await Bench.start(names, { nodes, host: "127.0.0.1" });
  expect(await bench.change({ nodes, host: "127.0.0.2", port })).toEqual([
    expect.stringContaining("nodes[0]: the proxy itself listens here"),
  ]);
});

describe("a name that does not resolve at the start", () => {
  test("is a node that is down, for a reason, and its names go elsewhere, until it resolves", async () => {
    const [backend, other] = [await Backend.open(), await Backend.open()];
    const { port } = backend;
    const names = new FakeNames();
    const bench = await Bench.start(names, { nodes: [{ host: NAME, port }, other.node] });
    const reason = "the name does not resolve (ENOTFOUND)";
    expect(bench.log.lines).toContain(
      `level=warn event=name_unresolved host=${NAME} reason="${reason}" addresses_kept=0`,
    );
    expect(bench.log.lines).toContainEqual(
      expect.stringContaining(
        `level=warn event=node_down node=${NAME}:${port} reason="${reason}" nodes_up=1 nodes=2 names_moved_percent=`,
      ),
    );
    expect(bench.view().nodes[0]).toMatchObject({ isUp: false, address: undefined, health: { noAddress: reason } });
    const table = await ask({ consolePort: bench.ports.managementport }, "nodes");
    expect(table).toMatch(new RegExp(`^${NAME}:${port} .* down .* the name does not resolve \\(ENOTFOUND\\)$`, "m"));
    await bench.send(100);
    await arrived([other], 100);
    names.say(NAME, ["127.0.0.1"]);
    await bench.logged(`event=node_up node=${NAME}:${port}`);
    expect(bench.view().nodes[0]).toMatchObject({ isUp: true, address: "127.0.0.1", health: { noAddress: undefined } });
    await bench.send(100);
    await arrived([backend, other], 200);
    expect(backend.lines.length).toBeGreaterThan(0);
  });

  test("keeps its names when failover is hold", async () => {
    const other = await Backend.open();
    const nodes = [{ host: NAME, port: 9 }, other.node];
    const bench = await Bench.start(new FakeNames(), { nodes, failover: "hold" });
    await bench.send(100);
    expect(bench.view().nodes[0].counters.linesDropped.held).toBeGreaterThan(0);
  });

  test("has checks once it resolves, and they decide", async () => {
    const [port, managementport] = await freePorts(2);
    const names = new FakeNames();
    const bench = await Bench.start(names, { nodes: [{ host: NAME, port, managementport }], checkInterval: 50 });
    expect(bench.view().nodes[0].counters.checksFailed).toBe(0);
    names.say(NAME, ["127.0.0.1"]);
    await bench.logged(`event=node_up node=${NAME}:${port}`);
    const reason = `"check statsd at port ${managementport}: ECONNREFUSED"`;
    await bench.logged(`event=node_down node=${NAME}:${port} reason=${reason}`);
  });

  test("holds nobody up when the name server is silent", async () => {
    const names = new FakeNames();
    names.say(NAME, "silence");
    const other = await Backend.open();
    const bench = await Bench.start(names, { nodes: [{ host: NAME, port: 9 }, other.node] });
    await bench.send(100);
    await arrived([other], 100);
    await bench.logged("the name server does not answer (ETIMEOUT)");
  });
});

describe("a name whose address changes", () => {
  test("moves its node: its names, counters and health stay, and no line is lost", async () => {
    const [before, after] = await backendsAt("127.0.0.1", "127.0.0.2");
    const { port } = before;
    const other = await Backend.open();
    const names = new FakeNames();
    names.say(NAME, ["127.0.0.1"]);
    const bench = await Bench.start(names, { nodes: [{ host: NAME, port }, other.node] });
    await bench.send(100);
    await arrived([before, other], 100);
    const [node] = bench.view().nodes;
    names.say(NAME, ["127.0.0.2"]);
    expect(await bench.logged("event=node_moved")).toBe(
      `level=info event=node_moved node=${NAME}:${port} from=127.0.0.1:${port} to=127.0.0.2:${port}`,
    );
    await bench.send(100);
    await arrived([before, after, other], 200);
    const namesOf = ({ lines }: Backend) => lines.map((line) => line.split(":")[0]).sort();
    expect(namesOf(after)).toEqual(namesOf(before));
    expect(bench.view().nodes[0].counters).toBe(node.counters);
    expect(bench.view().nodes[0].health).toMatchObject({ sinceMs: node.health.sinceMs, ownChanges: 0 });
  });

  test("stays at its address as long as the name has it, whatever the order", async () => {
    const names = new FakeNames();
    names.say(NAME, ["127.0.0.2"]);
    const bench = await Bench.start(names, { nodes: [{ host: NAME, port: 9 }] });
    for (const addresses of [
      ["127.0.0.1", "127.0.0.2"],
      ["127.0.0.9", "127.0.0.2", "127.0.0.1"],
    ]) {
      names.say(NAME, addresses);
      const { length } = names.asked;
      await until("two more questions", () => names.asked.length >= length + 4);
    }
    expect(bench.view().nodes[0].address).toBe("127.0.0.2");
    expect(bench.log.lines.filter((line) => line.includes("node_moved"))).toEqual([]);
  });

  test("is asked for soon after a failed check", async () => {
    const [port, managementport] = await freePorts(2);
    const names = new FakeNames();
    names.say(NAME, ["127.0.0.1"]);
    const nodes = [{ host: NAME, port, managementport }];
    await Bench.start(names, { nodes, checkInterval: 50, resolveInterval: 3_600_000 });
    // Long before its interval is over.
    await until("the next question", () => names.asked.length === 4);
  });

  test("cannot make the proxy send to itself: the last good address stays, and it is told once", async () => {
    const backend = await Backend.open({ host: "127.0.0.2" });
    const names = new FakeNames();
    names.say(NAME, ["127.0.0.2"]);
    const bench = await Bench.of(names);
    const { port } = bench.ports;
    expect(await bench.start({ nodes: [{ host: NAME, port }, backend.node] })).toEqual([]);
    names.say(NAME, ["127.0.0.1"]);
    await bench.logged("event=address_unusable");
    const { length } = names.asked;
    await until("two more questions", () => names.asked.length >= length + 4);
    expect(bench.view().nodes[0]).toMatchObject({ address: "127.0.0.2", isUp: true });
    expect(bench.log.lines.filter((line) => line.includes("address_unusable"))).toEqual([
      `level=warn event=address_unusable node=${NAME}:${port} reason="127.0.0.1:${port}: the proxy itself listens here: metrics would loop"`,
    ]);
    // Nor does it keep another change from being made.
    expect(await bench.change({ nodes: [{ host: NAME, port }, backend.node], types: ["c"] })).toEqual([]);
    names.say(NAME, ["127.0.0.3"]);
    await bench.logged("event=node_moved");
  });

  test("to one that cannot be connected to, keeps the last good one", async () => {
    const names = new FakeNames();
    names.say(NAME, ["127.0.0.1"]);
    const bench = await Bench.start(names, { nodes: [{ host: NAME, port: 9 }] });
    // There is no route to it from here, or it is a broadcast address.
    names.say(NAME, ["127.255.255.255"]);
    await bench.logged("event=address_unusable");
    expect(bench.view().nodes[0]).toMatchObject({ address: "127.0.0.1", isUp: true });
  });
});

test("a name that is the proxy itself is an error at the start, discovered or not", async () => {
  const names = new FakeNames();
  names.say(NAME, ["127.0.0.9", "127.0.0.1"]);
  for (const discover of [false, true]) {
    const bench = await Bench.of(names);
    expect(await bench.start({ nodes: [{ host: NAME, port: bench.ports.port, discover }] })).toEqual([
      "nodes[0]: the proxy itself listens here: metrics would loop",
    ]);
  }
});

test.skipIf(!IPV6_HERE)("the first address that can be connected to is used, IPv4 first", async () => {
  const backend = await Backend.open({ host: "::1" });
  const names = new FakeNames();
  names.say(NAME, ["::1", "127.255.255.255"]);
  const bench = await Bench.start(names, { nodes: [{ host: NAME, port: backend.port }] });
  await bench.send(10);
  await arrived([backend], 10);
});

describe("discovered nodes", () => {
  test("come and go as DNS says: each has its names, and no line is lost or counted twice", async () => {
    const hosts = ["127.0.0.2", "127.0.0.3", "127.0.0.10"];
    const backends = await backendsAt(...hosts);
    const { port } = backends[0];
    const names = new FakeNames();
    names.say(NAME, ["127.0.0.10", "127.0.0.2"]);
    const bench = await Bench.start(names, { nodes: [{ host: NAME, port, discover: true }] });
    expect(bench.labels()).toEqual([`127.0.0.2:${port}`, `127.0.0.10:${port}`]);
    expect(await bench.logged("event=listening")).toContain("nodes=2 ");
    await bench.send(200);
    names.say(NAME, hosts.toReversed());
    expect(await bench.logged(`added=127.0.0.3:${port}`)).toMatch(
      /^level=info event=nodes_discovered added=\S+ nodes=3 names_moved_percent=\d+(\.\d)?$/,
    );
    expect(bench.labels()).toEqual(hosts.map((host) => `${host}:${port}`));
    await bench.send(200);
    names.say(NAME, hosts.slice(1));
    await bench.logged(`removed=127.0.0.2:${port} nodes=2`);
    await bench.send(200);
    await arrived(backends, 600);
    for (const { lines } of backends) expect(lines.length).toBeGreaterThan(0);
    expect(linesOf(backends)).toBe(600);
    expect(bench.view().retired.counters.linesRelayed).toBe(backends[0].lines.length);
  });

  test("that go all at once are kept until the next answer agrees", async () => {
    const [backend] = await backendsAt("127.0.0.2");
    const names = new FakeNames();
    names.say(NAME, ["127.0.0.2"]);
    const bench = await Bench.start(names, { nodes: [{ host: NAME, port: backend.port, discover: true }] });
    names.say(NAME, []);
    await bench.logged("event=name_unresolved");
    expect(bench.labels()).toEqual([`127.0.0.2:${backend.port}`]);
    await bench.send(10);
    await arrived([backend], 10);
    await bench.logged(`removed=127.0.0.2:${backend.port} nodes=0`);
    await bench.send(10);
    expect(bench.view().counters.linesDropped.no_live_node).toBe(10);
    names.say(NAME, ["127.0.0.2"]);
    await until("it is back", () => bench.labels().length === 1);
    await bench.send(10);
    await arrived([backend], 20);
  });

  test("may be none, when mirroring as well: every line has its place", async () => {
    for (const mirror of [false, true]) {
      const bench = await Bench.start(new FakeNames(), { nodes: [{ host: NAME, port: 9, discover: true }], mirror });
      await bench.send(10);
      expect(bench.view().counters.linesDropped.no_live_node).toBe(10);
    }
  });

  test("with an address that cannot be connected to are there, and down", async () => {
    const names = new FakeNames();
    names.say(NAME, ["127.0.0.1", "127.255.255.255"]);
    const bench = await Bench.start(names, { nodes: [{ host: NAME, port: 9, discover: true }] });
    expect(bench.view().nodes.map(({ isUp }) => isUp)).toEqual([true, false]);
    expect(await bench.logged("node=127.255.255.255:9")).toContain("event=node_down");
  });

  test("that are the proxy itself, since DNS has changed, are left out", async () => {
    const names = new FakeNames();
    names.say(NAME, ["127.0.0.2"]);
    const bench = await Bench.of(names);
    const { port } = bench.ports;
    expect(await bench.start({ nodes: [{ host: NAME, port, discover: true }] })).toEqual([]);
    names.say(NAME, ["127.0.0.1", "127.0.0.2", "127.0.0.3"]);
    await bench.logged("event=nodes_discovered added=127.0.0.3");
    expect(bench.labels()).toEqual([`127.0.0.2:${port}`, `127.0.0.3:${port}`]);
    expect(await bench.logged("event=address_unusable")).toContain(`reason="127.0.0.1:${port}: the proxy itself`);
  });

  test("for which there are not enough descriptors are refused, and the others stay", async () => {
    const names = new FakeNames();
    names.say(NAME, ["127.0.0.2"]);
    const bench = await Bench.of(names);
    const network = { ...bunPlatform.network, nameService: names };
    const platform = { ...bunPlatform, network, descriptorLimit: () => 50 };
    const config = readConfig(
      JSON.stringify({
        host: "127.0.0.1",
        ...bench.ports,
        resolveInterval: 1000,
        nodes: [{ host: NAME, port: 9, discover: true }],
      }),
    ).config;
    if (config === undefined) throw new Error("the configuration is good");
    const proxy = await StatsdProxy.start(config, { platform, log: bench.log, debugMode: false });
    if (!(proxy instanceof StatsdProxy)) throw new Error(JSON.stringify(proxy));
    onTestFinished(() => proxy.stop());
    names.say(
      NAME,
      Array.from({ length: 20 }, (_, i) => `127.0.1.${i + 1}`),
    );
    expect(await bench.logged("event=nodes_refused")).toContain("a proxy with 20 nodes needs 76 open files");
    expect(proxy.view().nodes.map(({ label }) => label)).toEqual(["127.0.0.2:9"]);
  });
});

test("a change of the file and one of a name at once are made one after the other", async () => {
  const [one, two] = await backendsAt("127.0.0.2", "127.0.0.3");
  const { port } = one;
  const names = new FakeNames();
  names.say(NAME, ["127.0.0.2"]);
  const nodes = [{ host: NAME, port, discover: true }];
  const bench = await Bench.start(names, { nodes });
  names.say(NAME, ["127.0.0.2", "127.0.0.3"]);
  let changes = 0;
  await until("it is discovered", async () => {
    expect(await bench.change({ nodes, fall: 1 + (changes++ % 5) })).toEqual([]);
    return bench.labels().length === 2;
  });
  await bench.send(100);
  await arrived([one, two], 100);
});

test("a node whose name changes to one that does not resolve has nothing pending and is down", async () => {
  const [backend, other] = [await Backend.open(), await Backend.open()];
  const names = new FakeNames();
  names.say(NAME, ["127.0.0.1"]);
  const bench = await Bench.start(names, { nodes: [{ host: NAME, port: backend.port, name: "a" }, other.node] });
  await bench.send(100);
  expect(await bench.change({ nodes: [{ host: "gone.test", port: backend.port, name: "a" }, other.node] })).toEqual([]);
  expect(bench.view().nodes[0]).toMatchObject({ isUp: false, address: undefined });
  await bench.send(100);
  await arrived([backend, other], 200);
});
