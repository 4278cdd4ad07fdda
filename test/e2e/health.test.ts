/** Backends that die, come back, or say that they are out: what the compiled binary makes of it. */
import { describe, expect, onTestFinished, setDefaultTimeout, test } from "bun:test";
import { Backend, linesArrived, openBackends } from "../support/backend.ts";
import { ask, send, stats } from "../support/client.ts";
import { MANNERS, ManagementPort } from "../support/management.ts";
import { refusingPort, silentSocket } from "../support/ports.ts";
import { type RunningProxy, type Settings, startProxy } from "../support/process.ts";
import { nameOf, ownersAmong } from "../support/ring.ts";
import { watchStalls } from "../support/stalls.ts";
import { until } from "../support/until.ts";

setDefaultTimeout(30_000);

const LINES = Array.from({ length: 300 }, (_, i) => `some.name.${i}:${i}|c`);
const DATAGRAMS = Array.from({ length: 30 }, (_, i) => LINES.slice(i * 10, i * 10 + 10).join("\n"));

/** A backend and its management port, which die and come back together. */
class Peer {
  readonly backend: Backend;
  readonly management = new ManagementPort();

  private constructor(backend: Backend) {
    this.backend = backend;
  }

  static async open(): Promise<Peer> {
    return new Peer(await Backend.open());
  }

  get node() {
    return { ...this.backend.node, managementport: this.management.port };
  }

  get label(): string {
    return `${this.backend.host}:${this.backend.port}`;
  }

  kill(): void {
    this.backend.close();
    this.management.close();
  }

  async restart(): Promise<void> {
    await this.backend.listen();
    this.management.listen();
  }
}

interface Cluster {
  readonly peers: Peer[];
  readonly proxy: RunningProxy;
}

async function startCluster(settings: Partial<Settings> = {}, before?: (peers: Peer[]) => void): Promise<Cluster> {
  const peers = await Promise.all([Peer.open(), Peer.open(), Peer.open()]);
  before?.(peers);
  // A check takes no longer than the interval, and those that live must pass on a busy machine, too.
  const proxy = await startProxy({ nodes: peers.map(({ node }) => node), checkInterval: 100, fall: 3, ...settings });
  return { peers, proxy };
}

async function untilUp(proxy: RunningProxy, peer: Peer, up: 0 | 1): Promise<void> {
  await until(`${peer.label} ${up ? "up" : "down"}`, async () => (await stats(proxy))[`node.${peer.label}.up`] === up);
}

/** Sends every line, and expects each at its owner while the peers of `isUp` are up. */
async function expectPlacement({ peers, proxy }: Cluster, isUp: boolean[]): Promise<void> {
  const backends = peers.map(({ backend }) => backend);
  for (const backend of backends) backend.clear();
  await send(proxy, DATAGRAMS);
  await linesArrived(backends, LINES.length);
  const owner = ownersAmong(backends, isUp);
  backends.forEach((backend, i) => {
    expect(backend.lines.sort()).toEqual(LINES.filter((line) => owner(nameOf(line)) === i).sort());
  });
}

test("a node that dies is taken out, its names and no others move; it comes back, and they return", async () => {
  const cluster = await startCluster();
  const { peers, proxy } = cluster;
  await expectPlacement(cluster, [true, true, true]);

  peers[1].kill();
  await untilUp(proxy, peers[1], 0);
  await expectPlacement(cluster, [true, false, true]);
  expect(await ask(proxy, "status")).toContain(`\nnodes: ${peers[0].label} ${peers[2].label}\n`);
  expect(await proxy.line("event=node_down")).toContain(`level=warn event=node_down node=${peers[1].label} reason=`);

  await peers[1].restart();
  await untilUp(proxy, peers[1], 1);
  await expectPlacement(cluster, [true, true, true]);
  expect(await proxy.line("event=node_up")).toContain(`node=${peers[1].label} down_for=`);
  expect(await stats(proxy)).toMatchObject({ nodes: 3, nodes_up: 3, lines_dropped: 0 });
});

test("a node that is down at the start is taken in later", async () => {
  const cluster = await startCluster({}, (peers) => peers[2].kill());
  const { peers, proxy } = cluster;
  await untilUp(proxy, peers[2], 0);
  await expectPlacement(cluster, [true, true, false]);
  await peers[2].restart();
  await untilUp(proxy, peers[2], 1);
  await expectPlacement(cluster, [true, true, true]);
});

test("a node that says that it is down is taken out until it says up", async () => {
  const cluster = await startCluster();
  const { peers, proxy } = cluster;
  peers[0].management.manners = MANNERS.down;
  await untilUp(proxy, peers[0], 0);
  await expectPlacement(cluster, [false, true, true]);
  peers[0].management.manners = MANNERS.up;
  await untilUp(proxy, peers[0], 1);
  await expectPlacement(cluster, [true, true, true]);
});

test("with failover hold a dead node's lines are dropped and counted as held, and nobody else gets them", async () => {
  const cluster = await startCluster({ failover: "hold" });
  const { peers, proxy } = cluster;
  await expectPlacement(cluster, [true, true, true]);
  const lost = peers[1].backend.lines.length;
  for (const { backend } of peers) backend.clear();

  peers[1].kill();
  await untilUp(proxy, peers[1], 0);
  await send(proxy, DATAGRAMS);
  const living = [peers[0].backend, peers[2].backend];
  await linesArrived(living, LINES.length - lost);
  const owner = ownersAmong(peers.map(({ backend }) => backend));
  expect(living[0].lines).toEqual(LINES.filter((line) => owner(nameOf(line)) === 0));
  expect(living[1].lines).toEqual(LINES.filter((line) => owner(nameOf(line)) === 2));
  const figures = await stats(proxy);
  expect(figures).toMatchObject({ lines_dropped: lost, "lines_dropped.held": lost });
  expect(figures[`node.${peers[1].label}.lines_dropped.held`]).toBe(lost);

  await peers[1].restart();
  await untilUp(proxy, peers[1], 1);
  await expectPlacement(cluster, [true, true, true]);
});

test("a mirror goes on without a dead node, and counts what that one misses", async () => {
  const { peers, proxy } = await startCluster({ mirror: true });
  peers[1].kill();
  await untilUp(proxy, peers[1], 0);
  await send(proxy, DATAGRAMS);
  for (const peer of [peers[0], peers[2]]) {
    await linesArrived([peer.backend], LINES.length);
    expect(peer.backend.lines).toEqual(LINES);
  }
  const figures = await stats(proxy);
  expect(figures[`node.${peers[1].label}.lines_dropped.node_down`]).toBe(LINES.length);
  expect(figures.lines_accepted).toBe(LINES.length);
});

test("while all nodes are down lines are dropped and counted, and the proxy recovers", async () => {
  const cluster = await startCluster();
  const { peers, proxy } = cluster;
  for (const peer of peers) peer.kill();
  for (const peer of peers) await untilUp(proxy, peer, 0);
  await send(proxy, DATAGRAMS);
  expect(await stats(proxy)).toMatchObject({ nodes_up: 0, "lines_dropped.no_live_node": LINES.length });
  for (const peer of peers) await peer.restart();
  for (const peer of peers) await untilUp(proxy, peer, 1);
  await expectPlacement(cluster, [true, true, true]);
});

describe("a node without a check", () => {
  test("is down as soon as its host refuses lines, and the living get what is theirs and its", async () => {
    const living = await openBackends(2);
    const nodes = [living[0].node, { host: "127.0.0.1", port: await refusingPort() }, living[1].node];
    const dead = `node.127.0.0.1:${nodes[1].port}`;
    const proxy = await startProxy({ nodes, checkInterval: 30 });
    await send(proxy, DATAGRAMS);
    await until("it is down", async () => (await stats(proxy)).nodes_up === 2);
    const before = await stats(proxy);
    expect(before[`${dead}.lines_refused`]).toBeGreaterThan(0);
    expect(before[`${dead}.lines_refused`]).toBeLessThanOrEqual(before[`${dead}.lines_relayed`]);
    await send(proxy, DATAGRAMS);
    const owner = ownersAmong(nodes);
    const theirs = [...LINES.filter((line) => owner(nameOf(line)) !== 1), ...LINES];
    expect((await linesArrived(living, theirs.length)).sort()).toEqual(theirs.sort());
    const figures = await stats(proxy);
    expect(figures).toMatchObject({ nodes_up: 2, [`${dead}.up`]: 0 });
    // What it was tried with holds no line.
    await until("more tries", async () => (await stats(proxy))[`${dead}.refusals`] > before[`${dead}.refusals`] + 2);
    expect(await stats(proxy)).toMatchObject({
      [`${dead}.lines_refused`]: before[`${dead}.lines_refused`],
      [`${dead}.lines_relayed`]: before[`${dead}.lines_relayed`],
    });
  });

  test("gets its lines again when it listens again", async () => {
    const [backend] = await openBackends(1);
    const proxy = await startProxy({ nodes: [backend.node], checkInterval: 30 });
    backend.close();
    await send(proxy, DATAGRAMS);
    await until("it is down", async () => (await stats(proxy)).nodes_up === 0);
    await backend.listen();
    await until("it is back", async () => (await stats(proxy)).nodes_up === 1);
    backend.clear();
    await send(proxy, DATAGRAMS);
    expect(await linesArrived([backend], LINES.length)).toEqual(LINES);
    const figures = await stats(proxy);
    expect(figures.lines_relayed + figures.lines_dropped).toBe(2 * LINES.length);
  });
});

describe("checks in a row", () => {
  /**
   * A management port that goes through a list of manners, one for each check, and is up afterwards; once more, if the
   * machine kept one of its answers for so long that that check failed as well.
   */
  async function startWith(script: readonly ("up" | "down")[], settings: object): Promise<{ proxy: RunningProxy }> {
    return await until("a machine that is quick enough", async () => {
      const backend = await Backend.open();
      const rest = [...script];
      const management = new ManagementPort({ manners: (client) => MANNERS[rest.shift() ?? "up"](client) });
      const nodes = [{ ...backend.node, managementport: management.port }];
      const proxy = await startProxy({ nodes, checkInterval: 200, ...settings });
      await until("the whole script", () => rest.length === 0 && management.questions.length > 5);
      const failed = (await stats(proxy))[`node.127.0.0.1:${backend.port}.checks_failed`];
      return failed === script.filter((manners) => manners === "down").length && { proxy };
    });
  }

  test("fall 3: two failures in a row, again and again, do not take a node out", async () => {
    const { proxy } = await startWith(["down", "down", "up", "down", "down", "up"], { fall: 3 });
    expect(proxy.lines.filter((line) => line.includes("event=node_"))).toEqual([]);
  });

  test("rise 2: a single pass does not take a node back", async () => {
    const { proxy } = await startWith(["down", "up", "down", "up", "up"], { fall: 1, rise: 2 });
    await proxy.line("event=node_up");
    expect(
      proxy.lines.filter((line) => line.includes("event=node_")).map((line) => line.match(/event=(\S+)/)?.[1]),
    ).toEqual(["node_down", "node_up"]);
  });
});

test("a refused datagram starts a check at once, long before the next is due", async () => {
  const peer = await Peer.open();
  const proxy = await startProxy({ nodes: [peer.node], checkInterval: 3_600_000, fall: 1 });
  await until("the first check", async () => (await stats(proxy))[`node.${peer.label}.checks_passed`] === 1);
  peer.kill();
  await until("taken out", async () => {
    await send(proxy, ["refused:1|c"]);
    return (await stats(proxy)).nodes_up === 0;
  });
});

describe("a busy proxy, which sleeps within its turns", () => {
  const LINES_A_SECOND = 5000;
  const TICK_MS = 4;

  /** Sends one-line datagrams at that rate until the test ends, and asks nothing. */
  async function keepBusy({ port }: RunningProxy): Promise<void> {
    const socket = await silentSocket({ connect: { hostname: "127.0.0.1", port } });
    const beganAtMs = performance.now();
    let sent = 0;
    const timer = setInterval(() => {
      const due = ((performance.now() - beganAtMs) * LINES_A_SECOND) / 1000;
      try {
        for (; sent < due; sent++) socket.send(LINES[sent % LINES.length]);
      } catch {}
    }, TICK_MS);
    onTestFinished(() => {
      clearInterval(timer);
      socket.close();
    });
  }

  test("takes out a node that dies, though a refusal comes in each of its turns", async () => {
    const { peers, proxy } = await startCluster({ checkInterval: 300, fall: 2 });
    const [first, second, third] = peers;
    await until("two checks", () => peers.every(({ management }) => management.questions.length >= 2));
    await keepBusy(proxy);
    second.kill();
    await proxy.line(`event=node_down node=${second.label}`);
    expect(proxy.lines.filter((line) => line.includes("event=node_")).length).toBe(1);
    await second.restart();
    await proxy.line(`event=node_up node=${second.label}`);
    expect(await stats(proxy)).toMatchObject({
      [`node.${first.label}.checks_failed`]: 0,
      [`node.${third.label}.checks_failed`]: 0,
    });
  });

  test.each([10, 20, 100])("fails no check of one that lives, with checkInterval and gather %d", async (ms) => {
    const { peers, proxy } = await startCluster({ checkInterval: ms, gather: ms });
    const stalls = watchStalls([proxy.pid]);
    await keepBusy(proxy);
    await until("many checks", () => peers.every(({ management }) => management.questions.length >= 15));
    const figures = await stats(proxy);
    // However short the interval, only who gets no processor for so long is late.
    const excused = Math.floor(stalls.stalledMs() / ms);
    for (const { label } of peers) {
      expect(figures[`node.${label}.checks_failed`]).toBeLessThanOrEqual(excused);
      expect(figures[`node.${label}.checks_passed`]).toBeGreaterThan(10 - excused);
    }
    expect(figures.lines_dropped).toBe(0);
  });
});

test("what a backend sends back is ignored", async () => {
  const [backend] = await openBackends(1);
  const proxy = await startProxy({ nodes: [backend.node] });
  await send(proxy, ["one:1|c"]);
  await linesArrived([backend], 1);
  backend.reply("unasked:1|c\nfor:1|c");
  backend.reply("");
  await send(proxy, ["two:1|c"]);
  expect(await linesArrived([backend], 2)).toEqual(["one:1|c", "two:1|c"]);
  expect((await stats(proxy)).lines_received).toBe(2);
});

test.each(["down", "up"] as const)(
  "a node that flaps and is %s at last: the log says it once, and how it is in the end",
  async (state) => {
    const backend = await Backend.open();
    let isDown = false;
    const management = new ManagementPort({
      manners: (client) => {
        isDown = !isDown;
        MANNERS[isDown ? "down" : "up"](client);
      },
    });
    const nodes = [{ ...backend.node, managementport: management.port }];
    const proxy = await startProxy({ nodes, checkInterval: 50, fall: 1, rise: 1 });
    const label = `127.0.0.1:${backend.port}`;
    const flapping = await proxy.line("event=node_flapping");
    expect(flapping).toMatch(new RegExp(` level=warn event=node_flapping node=${label} changes=10 seconds=[\\d.]+$`));
    const changes = async () => (await stats(proxy))[`node.${label}.state_changes`];
    await until("more of them", async () => (await changes()) >= 20);
    management.manners = MANNERS[state];
    const asked = management.questions.length;
    await until("its answers are these", () => management.questions.length > asked + 3);
    await until(`it is ${state}`, async () => (await stats(proxy)).nodes_up === (state === "up" ? 1 : 0));
    const all = await changes();
    proxy.signal("SIGTERM");
    await proxy.exited;
    const said = proxy.lines.map((line) => /event=((?:node|flapping)_\w+)/.exec(line)?.[1]).filter(Boolean);
    expect(said.slice(-3)).toEqual(["node_flapping", "flapping_over", `node_${state}`]);
    expect(said.length).toBeLessThanOrEqual(12);
    expect(proxy.lines.find((line) => line.includes("flapping_over"))).toContain(` node=${label} changes=${all} `);
  },
);
