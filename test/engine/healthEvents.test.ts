/** What the log tells of nodes that go down and come back. */
import { describe, expect, test } from "bun:test";
import { ClusterBench, nodesOf } from "../support/clusterBench.ts";

const [A, B] = nodesOf([8130, 8131]);
/** Without checks. */
const [ALSO, TOO] = nodesOf([8132, 8133]).map((node) => ({ ...node, managementport: 0 }));
const [LABEL_A, LABEL_B, LABEL_ALSO] = [8130, 8131, 8132].map((port) => `127.0.0.1:${port}`);
const SETTINGS = { checkInterval: 1000, fall: 1, rise: 1 };

describe("a node that goes down and comes back", () => {
  test("is told with numbers that are numbers, and with the time that it was down", async () => {
    const bench = await ClusterBench.open({ ...SETTINGS, nodes: [ALSO, B, TOO] });
    bench.clock.advance(900);
    fail(bench, B);
    const [down] = bench.log.events;
    expect(down).toMatchObject({
      event: "node_down",
      node: LABEL_B,
      reason: "check statsd at port 8231: ECONNRESET",
      nodes_up: 2,
      nodes: 3,
    });
    expect(down.names_moved_percent).toBeNumber();
    expect(down.names_moved_percent).toBeGreaterThan(10);
    expect(down.shares).toContain(`${LABEL_ALSO} +`);
    bench.clock.advance(61_240);
    pass(bench, B);
    const { names_moved_percent } = down;
    expect(bench.log.events.slice(1)).toMatchObject([
      { event: "node_up", node: LABEL_B, nodes_up: 3, nodes: 3, names_moved_percent },
    ]);
    const [, up] = bench.log.events;
    expect(up.down_for).toBeGreaterThanOrEqual(61.2);
    expect(up.down_for).toBeLessThan(64);
    // Tenths are enough.
    expect(String(up.down_for)).toMatch(/^\d+(\.\d)?$/);
  });

  test("and is drained all the time was down for as long as its checks say", async () => {
    const bench = await ClusterBench.open({ ...SETTINGS, nodes: [ALSO, B] });
    bench.cluster.setNode(LABEL_B, "drain");
    for (let i = 0; i < 5; i++) pass(bench, B);
    bench.clock.advance(1000);
    fail(bench, B);
    bench.clock.advance(20_000);
    expect(bench.log.events.map(({ event }) => event)).toEqual(["node_set"]);
    bench.cluster.setNode(LABEL_B, "up");
    pass(bench, B);
    const up = bench.log.events.at(-1);
    expect(up).toMatchObject({ event: "node_up", node: LABEL_B });
    expect(up?.down_for).toBeGreaterThanOrEqual(20);
    expect(up?.down_for).toBeLessThan(23);
  });
});

test("of many nodes, eight are told with what they got", async () => {
  const others = nodesOf(Array.from({ length: 12 }, (_, i) => 8140 + i));
  const bench = await ClusterBench.open({
    ...SETTINGS,
    nodes: [B, ...others.map((node) => ({ ...node, managementport: 0 }))],
  });
  bench.clock.advance(900);
  fail(bench, B);
  expect(String(bench.log.events[0].shares).split(", ")).toHaveLength(8);
});

test("of the last node that goes down, and of the first that is back, no names are told: there is nobody to move to", async () => {
  const bench = await ClusterBench.open({ ...SETTINGS, nodes: [A, B] });
  bench.clock.advance(900);
  for (const node of [A, B]) fail(bench, node);
  pass(bench, A);
  pass(bench, B, A);
  const told = bench.log.events.map(({ event, node, names_moved_percent, shares }) => [
    ...[event, node],
    ...[typeof names_moved_percent, typeof shares],
  ]);
  expect(told).toEqual([
    ["node_down", LABEL_A, "number", "string"],
    ["node_down", LABEL_B, "undefined", "undefined"],
    ["node_up", LABEL_A, "undefined", "undefined"],
    ["node_up", LABEL_B, "number", "string"],
  ]);
});

test("what an operator sets has its numbers, and the last node no names that move", async () => {
  const bench = await ClusterBench.open({ ...SETTINGS, nodes: [A, B] });
  bench.cluster.setNode(LABEL_A, "drain");
  bench.cluster.setNode(LABEL_B, "drain");
  const [first, last] = bench.log.events;
  expect(first).toMatchObject({ event: "node_set", from: "up", to: "drain", state: "drained", nodes_up: 1, nodes: 2 });
  expect(first.names_moved_percent).toBeNumber();
  bench.cluster.setNode(LABEL_B, "drain");
  expect(bench.log.events).toHaveLength(2);
  expect(last).toEqual({
    event: "node_set",
    node: LABEL_B,
    from: "up",
    to: "drain",
    state: "drained",
    nodes_up: 0,
    nodes: 2,
  });
});

test.each([
  ["are told", 30, "string"],
  ["take too long to look at, and are not told", 31, "undefined"],
])("with a ring of many points, names that move %s", async (_, weight, type) => {
  // 2048 for each weight; a ring that is looked at has no more than 65,536.
  const nodes = [{ ...B, weight }, ALSO, TOO];
  const bench = await ClusterBench.open({ ...SETTINGS, nodes });
  bench.clock.advance(900);
  fail(bench, B);
  expect(bench.log.events.map(({ event, shares }) => [event, typeof shares])).toEqual([["node_down", type]]);
});

/** Its next check fails. */
function fail(bench: ClusterBench, { managementport }: typeof A): void {
  bench.check(managementport).parts.onEnd("ECONNRESET");
}

/** Its next check passes, as do those of the others meanwhile. */
function pass(bench: ClusterBench, node: typeof A, ...others: (typeof A)[]): void {
  const asked = [node, ...others].map(({ managementport }) => [managementport, bench.checksOf(managementport)]);
  for (let ms = 0; ms < 3000; ms += 100) {
    bench.clock.advance(100);
    for (const [port, before] of asked) {
      if (bench.checksOf(port) === before) continue;
      const { parts } = bench.check(port);
      parts.onConnect();
      parts.onBytes(Buffer.from("health: up\n"));
      if (port === node.managementport) return;
    }
  }
}
