/** A cluster whose nodes have names, where everything happens when a test says so. */
import { expect, spyOn, test } from "bun:test";
import { Opening } from "../../src/engine/opening.ts";
import { ASK_AGAIN_MS, WAIT_MS } from "../../src/net/resolver.ts";
import { ClusterBench, configOf } from "../support/clusterBench.ts";

const NAME = "statsd.test";
const NODE = { host: NAME, port: 8130 };
const INTERVAL_MS = 30_000;

test("an answer that comes between preparing and committing is not lost", async () => {
  const bench = new ClusterBench();
  bench.network.nameService.say(NAME, "silence");
  const opening = new Opening(bench.network);
  const prepared = bench.cluster.prepare(configOf({ nodes: [NODE] }), opening);
  await bench.clock.elapse(WAIT_MS);
  await prepared;
  await bench.clock.elapse(ASK_AGAIN_MS);
  expect(bench.namesChanged).toBe(0);
  opening.commit();
  expect(bench.namesChanged).toBe(1);
});

test("an address that could not be connected to is tried again with the next answer, though it is the same", async () => {
  const bench = new ClusterBench();
  bench.network.nameService.say(NAME, ["10.0.0.1"]);
  const noRoute = Object.assign(new Error(), { code: "ENETUNREACH" });
  const connect = spyOn(bench.network, "connectUdp").mockRejectedValue(noRoute);
  const config = configOf({ nodes: [NODE] });
  expect(await bench.use(config)).toEqual([]);
  expect(bench.cluster.views()[0].health.noAddress).toBe(
    "10.0.0.1:8130: there is no route to the address (ENETUNREACH)",
  );
  connect.mockRestore();
  await bench.clock.elapse(INTERVAL_MS);
  expect(bench.namesChanged).toBe(1);
  expect(await bench.use(config)).toEqual([]);
  expect(bench.cluster.views()[0]).toMatchObject({ isUp: true, address: "10.0.0.1" });
  await bench.clock.elapse(INTERVAL_MS);
  expect(bench.namesChanged).toBe(1);
});

test("an address that could not be connected to is tried again every five seconds, however long the interval is", async () => {
  const bench = new ClusterBench();
  bench.network.nameService.say(NAME, ["10.0.0.1"]);
  const noRoute = Object.assign(new Error(), { code: "ENETUNREACH" });
  const connect = spyOn(bench.network, "connectUdp").mockRejectedValue(noRoute);
  const config = configOf({ nodes: [NODE], resolveInterval: 60_000 });
  expect(await bench.use(config)).toEqual([]);
  for (let i = 1; i <= 2; i++) {
    await bench.clock.elapse(5000);
    expect(bench.namesChanged).toBe(i);
    expect(await bench.use(config)).toEqual([]);
  }
  connect.mockRestore();
  await bench.clock.elapse(5000);
  expect(await bench.use(config)).toEqual([]);
  expect(bench.cluster.views()[0]).toMatchObject({ isUp: true, address: "10.0.0.1" });
});

test("a machine that has got the address of a configured node keeps no name from changing", async () => {
  const bench = new ClusterBench();
  bench.network.nameService.say(NAME, ["10.0.0.1"]);
  const config = configOf({ nodes: [NODE, { host: "10.0.0.5", port: 8125 }] });
  expect(await bench.use(config)).toEqual([]);
  bench.network.nameService.say(NAME, ["10.0.0.2"]);
  spyOn(bench.network, "ownAddresses").mockReturnValue(["10.0.0.5"]);
  await bench.clock.elapse(INTERVAL_MS);
  expect(await bench.use(config)).toEqual([]);
  expect(bench.cluster.views().map(({ address }) => address)).toEqual(["10.0.0.2", "10.0.0.5"]);
  // With another configuration it is told.
  expect(await bench.change({ nodes: [NODE, { host: "10.0.0.5", port: 8125 }] })).toEqual(["nodes[1]"]);
});

test("what waits for a node that loses its address is sent before", async () => {
  const bench = new ClusterBench();
  const node = { ...NODE, name: "a" };
  bench.network.nameService.say(NAME, ["10.0.0.1"]);
  expect(await bench.change({ nodes: [node] })).toEqual([]);
  bench.receive("a:1|c", "b:1|c");
  expect(await bench.change({ nodes: [{ ...node, host: "gone.test" }] })).toEqual([]);
  expect(bench.socket(8130)).toMatchObject({ sent: ["a:1|c", "b:1|c"], isClosed: true });
  bench.relay("c:1|c");
  expect(bench.violations()).toEqual([]);
});
