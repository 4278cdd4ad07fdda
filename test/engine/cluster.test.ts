import { describe, expect, onTestFinished, setDefaultTimeout, spyOn, test } from "bun:test";
import { readConfig } from "../../src/config/config.ts";
import { coreMemory } from "../../src/core/core.ts";
import { bunPlatform } from "../../src/engine/bunPlatform.io.ts";
import { Cluster } from "../../src/engine/cluster.ts";
import { Opening } from "../../src/engine/opening.ts";
import { openLog } from "../../src/log/log.io.ts";
import { BATCH_DATAGRAMS_MAX, Batch } from "../../src/relay/batch.ts";
import { Counters } from "../../src/relay/counters.ts";
import { watchedClock } from "../support/clocks.ts";
import { ClusterBench, nodesOf, type Settings } from "../support/clusterBench.ts";

setDefaultTimeout(30_000);

test("the checks of the nodes are spread over the interval, eight at a time", async () => {
  const nodes = Array.from({ length: 20 }, (_, i) => ({ host: "127.0.0.1", port: 9 + i, managementport: 9 }));
  const { config } = readConfig(JSON.stringify({ nodes, checkInterval: 100_000 }));
  if (config === undefined) throw new Error("the configuration is good");
  const { clock, delays } = watchedClock();
  const cluster = new Cluster({
    platform: { ...bunPlatform, clock },
    counters: new Counters(),
    log: openLog({ format: "logfmt", level: "error" }),
    view: () => {
      throw new Error("there are no metrics of its own");
    },
    onNamesChanged: () => {},
    onFailure: () => {},
  });
  onTestFinished(() => cluster.close());
  const opening = new Opening(bunPlatform.network);
  await cluster.prepare(config, opening);
  expect(delays).toEqual([]);
  opening.commit();
  expect(delays.map((ms) => Math.ceil(ms / 1000))).toEqual(
    [0, 40, 80].flatMap((seconds) => Array(8).fill(seconds)).slice(0, 20),
  );
});

const NAMES = Array.from({ length: 50 }, (_, i) => `name.${i}`);
const [A, B, C] = nodesOf([8130, 8131, 8132]);
/** Without checks. */
const [UNCHECKED_A, UNCHECKED_B] = [A, B].map((node) => ({ ...node, managementport: 0 }));
/** An interval that never elapses in a test. */
const NEVER_MS = 3_600_000;

describe("a change", () => {
  const SETTINGS: readonly Settings[] = [
    { nodes: [A, B] },
    { nodes: [A, B, C] },
    { nodes: [C, B, A] },
    { nodes: [A, { ...B, weight: 5 }] },
    { nodes: [A, B], ring: "etsy" },
    { nodes: [A, B], ring: "ketama" },
    { nodes: [A, B], cacheSize: 0 },
    { nodes: [A, B], ring: "etsy", cacheSize: 0 },
    { nodes: [A, { ...B, name: "other" }] },
    { nodes: [A, B], mirror: true },
  ];

  test("has the same result as a start with the new configuration, whatever came before", async () => {
    const placed = (bench: ClusterBench) => {
      bench.receive(...NAMES.map((name) => `${name}:1|c`));
      const { cluster } = bench;
      return {
        destinations: NAMES.map((name) => cluster.destinationOf(Buffer.from(name))),
        waiting: cluster.views().map(({ batch }) => batch.views().map(String)),
        shares: cluster.views().map(({ ringShare, fullShare }) => [ringShare, fullShare]),
        isCached: cluster.namesCached > 0,
      };
    };
    for (const next of SETTINGS) {
      const expected = placed(await ClusterBench.open(next));
      for (const before of SETTINGS) {
        const bench = await ClusterBench.open(before);
        bench.relay(...NAMES.map((name) => `${name}:1|c`));
        expect(await bench.change(next)).toEqual([]);
        expect(placed(bench)).toEqual(expected);
      }
    }
  });

  test("that does not affect the placement keeps the cached names", async () => {
    const bench = await ClusterBench.open({ nodes: [A, B], ring: "etsy" });
    bench.relay("a:1|c", "b:1|c");
    await bench.change({ nodes: [A, B], ring: "etsy", fall: 5, maxDatagramBytes: 1000 });
    expect(bench.cluster.namesCached).toBe(2);
  });

  test("of the datagram size applies from the next line on", async () => {
    const bench = await ClusterBench.open({ nodes: [A] });
    bench.relay("a:1|c", "b:1|c");
    await bench.change({ nodes: [A], maxDatagramBytes: 1432 });
    bench.relay("a:2|c", "b:2|c");
    expect(bench.socket(A.port).sent).toEqual(["a:1|c", "b:1|c", "a:2|c\nb:2|c"]);
  });

  test("that adds the proxy itself as a node is a problem", async () => {
    const bench = await ClusterBench.open({ nodes: [A] });
    expect(await bench.change({ nodes: [A, { host: "127.0.0.1", port: 8125 }], port: 8125 })).toEqual(["nodes[1]"]);
    expect(bench.network.udp).toHaveLength(1);
  });

  test("of a node's address closes its old socket, and pending lines go out by the new one", async () => {
    const bench = await ClusterBench.open({ nodes: [{ ...A, name: "a" }] });
    const old = bench.socket(A.port);
    old.isFull = true;
    bench.relay("a:1|c");
    await bench.change({ nodes: [{ ...A, name: "a", port: 8139 }] });
    expect(old.isClosed).toBe(true);
    expect([old.sent, bench.socket(8139).sent]).toEqual([[], ["a:1|c"]]);
  });

  test("of fall and rise applies from the next check on", async () => {
    const settings = { nodes: [A], checkInterval: 1000, fall: 1 };
    const bench = await ClusterBench.open(settings);
    await bench.change({ ...settings, fall: 3 });
    const isUp = [1, 2, 3].map(() => {
      bench.clock.advance(100);
      bench.check(A.managementport).parts.onEnd("ECONNRESET");
      return bench.cluster.views()[0].isUp;
    });
    expect(isUp).toEqual([true, true, false]);
  });
});

describe("the checks of a node", () => {
  test("continue undisturbed when a change does not affect them", async () => {
    const settings = { nodes: [A, B], checkInterval: 10_000 };
    const bench = await ClusterBench.open(settings);
    bench.clock.advance(0);
    const connection = bench.check(A.managementport);
    connection.parts.onConnect();
    connection.parts.onBytes(Buffer.from("health: up\n"));
    await bench.change({ ...settings, nodes: [B, A], fall: 7 });
    bench.clock.advance(9000);
    expect([connection.isDestroyed, bench.checksOf(A.managementport)]).toEqual([false, 1]);
    bench.clock.advance(1000);
    expect(connection.questions).toHaveLength(2);
  });

  test("move to its new management port", async () => {
    const settings = { nodes: [A], checkInterval: 1000 };
    const bench = await ClusterBench.open(settings);
    bench.clock.advance(0);
    await bench.change({ ...settings, nodes: [{ ...A, managementport: 9999 }] });
    expect(bench.check(A.managementport).isDestroyed).toBe(true);
    bench.clock.advance(5000);
    expect(bench.checksOf(A.managementport)).toBe(1);
    expect(bench.checksOf(9999)).toBeGreaterThan(0);
  });

  test("follow the new interval", async () => {
    const bench = await ClusterBench.open({ nodes: [A], checkInterval: NEVER_MS });
    bench.clock.advance(0);
    const { parts } = bench.check(A.managementport);
    parts.onConnect();
    parts.onBytes(Buffer.from("health: up\n"));
    await bench.change({ nodes: [A], checkInterval: 1000 });
    bench.clock.advance(1000);
    expect(bench.checksOf(A.managementport)).toBeGreaterThan(1);
  });

  const many = nodesOf(Array.from({ length: 30 }, (_, i) => 8200 + i));
  test.each<[what: string, change: (i: number) => Settings]>([
    ["their interval", (i) => ({ nodes: many, checkInterval: 1001 + i })],
    [
      "what they ask for",
      (i) => ({
        nodes: many.map(({ managementport: port, ...node }) => ({
          ...node,
          check: { type: "http", port, path: `/${i}` },
        })),
        checkInterval: 1000,
      }),
    ],
  ])("are not put off by changes of %s that come more often than they do", async (_, change) => {
    const bench = await ClusterBench.open(change(0));
    for (let i = 1; i <= 10; i++) {
      bench.clock.advance(450);
      await bench.change(change(i));
    }
    for (const { managementport } of many) expect(bench.checksOf(managementport)).toBeGreaterThanOrEqual(4);
  });

  test("are skipped and counted when there is no file descriptor left", async () => {
    const bench = await ClusterBench.open({ nodes: [A], checkInterval: 1000 });
    for (const ms of [0, 1000, 1000]) {
      bench.clock.advance(ms);
      bench.check(A.managementport).parts.onEnd("EMFILE");
    }
    const [{ counters, isUp }] = bench.cluster.views();
    expect([counters.checksSkipped, counters.checksFailed, isUp]).toEqual([3, 0, true]);
  });
});

describe("an error of a node's socket", () => {
  test("that is a refusal is counted, and the node is checked at once", async () => {
    const bench = await ClusterBench.open({ nodes: [A], checkInterval: NEVER_MS });
    bench.clock.advance(0);
    const { parts } = bench.check(A.managementport);
    parts.onConnect();
    parts.onBytes(Buffer.from("health: up\n"));
    bench.clock.advance(1000);
    expect(bench.checksOf(A.managementport)).toBe(1);
    bench.socket(A.port).answer("ECONNREFUSED");
    bench.clock.advance(0);
    expect(bench.checksOf(A.managementport)).toBe(2);
    expect(bench.cluster.views()[0].counters).toMatchObject({ refusals: 1, sendErrors: 0 });
  });

  test("of another kind is counted as a send error", async () => {
    const bench = await ClusterBench.open({ nodes: [UNCHECKED_A] });
    bench.socket(A.port).answer("EHOSTUNREACH");
    expect(bench.cluster.views()[0].counters).toMatchObject({ refusals: 0, sendErrors: 1 });
  });
});

describe("a removed node", () => {
  /** A cluster whose removed node still has pending lines, because its socket is full. */
  async function draining() {
    const bench = await ClusterBench.open({ nodes: [A], checkInterval: 1000 });
    bench.clock.advance(0);
    const socket = bench.socket(A.port);
    bench.relay("a:1|c");
    socket.isFull = true;
    bench.relay("a:2|c", "a:3|c");
    await bench.change({ nodes: [UNCHECKED_B] });
    return { bench, socket };
  }

  test("is no longer checked, though it has pending lines", async () => {
    const { bench } = await draining();
    expect(bench.check(A.managementport).isDestroyed).toBe(true);
    bench.clock.advance(4000);
    expect(bench.checksOf(A.managementport)).toBe(1);
  });

  test("gets its pending lines when its socket drains, and then the socket is closed", async () => {
    const { bench, socket } = await draining();
    expect(socket.isClosed).toBe(false);
    expect(bench.cluster.retired()).toMatchObject({ linesPending: 2, counters: { linesDue: 3, linesRelayed: 1 } });
    expect(bench.violations()).toEqual([]);
    socket.drain();
    expect(socket.sent).toEqual(["a:1|c", "a:2|c", "a:3|c"]);
    expect(socket.isClosed).toBe(true);
    expect(bench.cluster.retired()).toMatchObject({ linesPending: 0, counters: { linesDue: 3, linesRelayed: 3 } });
    expect(bench.violations()).toEqual([]);
    expect(bench.clock.timersLeft).toBe(0);
  });

  test("has five seconds for that: then its pending lines are dropped and counted", async () => {
    const { bench, socket } = await draining();
    bench.clock.advance(4999);
    expect(bench.cluster.retired()).toMatchObject({ linesPending: 2, counters: { linesRelayed: 1 } });
    bench.clock.advance(1);
    expect(socket.isClosed).toBe(true);
    const { linesPending, counters } = bench.cluster.retired();
    expect([linesPending, counters.linesRelayed, counters.linesDropped.send_buffer_full]).toEqual([0, 1, 2]);
    expect(bench.violations()).toEqual([]);
  });

  test("has what it drops then logged, and not again what it had dropped before", async () => {
    const bench = await ClusterBench.open({ nodes: [UNCHECKED_A] });
    bench.socket(A.port).isFull = true;
    for (let i = 0; i < BATCH_DATAGRAMS_MAX + 2; i++) bench.relay(`a:${i}|c`);
    expect(bench.cluster.views()[0].counters.linesDropped.send_buffer_full).toBe(2);
    await bench.change({ nodes: [UNCHECKED_B] });
    bench.clock.advance(5000);
    const [lines, total] = [BATCH_DATAGRAMS_MAX, BATCH_DATAGRAMS_MAX + 2];
    expect(bench.log.events).toEqual([
      { event: "dropping_lines", node: `127.0.0.1:${A.port}`, reason: "send_buffer_full", lines, total },
    ]);
  });

  test("gives its part of the core's memory back when it is closed, and not while it has something to send", async () => {
    const release = spyOn(coreMemory, "release");
    onTestFinished(() => release.mockRestore());
    const batches = () => release.mock.calls.filter(([owner]) => owner instanceof Batch).length;
    const { bench } = await draining();
    expect(batches()).toBe(0);
    bench.clock.advance(5000);
    expect(batches()).toBe(1);
  });

  test("stays in the totals, while it drains and afterwards", async () => {
    const { bench, socket } = await draining();
    expect(bench.cluster.sample(0, 0)).toMatchObject({ received: 3, relayed: 1, dropped: 0 });
    bench.clock.advance(5000);
    expect(socket.isClosed).toBe(true);
    expect(bench.cluster.sample(0, 0)).toMatchObject({ received: 3, relayed: 1, dropped: 2 });
  });
});

test("when the proxy stops, lines that no socket takes are dropped and counted", async () => {
  const bench = await ClusterBench.open({ nodes: [UNCHECKED_A] });
  bench.socket(A.port).isFull = true;
  bench.relay("a:1|c", "a:2|c");
  bench.cluster.finish();
  const [{ batch, counters }] = bench.cluster.views();
  expect([batch.linesPending, counters.linesDropped.send_buffer_full]).toEqual([0, 2]);
  expect(bench.violations()).toEqual([]);
});

test("live nodes are those that are up", async () => {
  const { cluster } = await ClusterBench.open({ nodes: [A, B] });
  const [a, b] = cluster.labels();
  cluster.setNode(a, "down");
  expect(cluster.liveLabels()).toEqual([b]);
});
