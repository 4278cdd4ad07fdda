/** A cluster whose nodes have names, where everything happens when a test says so. */
import { describe, expect, spyOn, test } from "bun:test";
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

test("what it cannot send any more is dropped and counted", async () => {
  const bench = new ClusterBench();
  const node = { ...NODE, name: "a" };
  bench.network.nameService.say(NAME, ["10.0.0.1"]);
  expect(await bench.change({ nodes: [node] })).toEqual([]);
  bench.socket(8130).isFull = true;
  bench.receive("a:1|c", "b:1|c");
  expect(await bench.change({ nodes: [{ ...node, host: "gone.test" }] })).toEqual([]);
  const [{ batch, counters }] = bench.cluster.views();
  expect([batch.linesPending, counters.linesDropped.send_buffer_full]).toEqual([0, 2]);
  expect(bench.violations()).toEqual([]);
});

/** No connection to these hosts can be made, for the reason of the errno, as long as it is so. */
function withoutRoute(bench: ClusterBench, errnoOf: (host: string) => string | undefined): void {
  const { connectUdp } = bench.network;
  spyOn(bench.network, "connectUdp").mockImplementation(async (parts) => {
    const code = errnoOf(parts.host);
    if (code !== undefined) throw Object.assign(new Error(), { code });
    return await connectUdp.call(bench.network, parts);
  });
}

const FAR = { host: "10.0.0.9", port: 8125 };
const NEAR = { host: "10.0.0.1", port: 8130 };

describe("a node whose address cannot be reached", () => {
  test.each(["ENETUNREACH", "EHOSTUNREACH", "ENETDOWN"])(
    "(%s) is down, says why, and is tried again",
    async (errno) => {
      const bench = new ClusterBench();
      let isAway = true;
      withoutRoute(bench, (host) => (isAway && host === FAR.host ? errno : undefined));
      const config = configOf({ nodes: [NEAR, FAR] });
      expect(await bench.use(config)).toEqual([]);
      const [, far] = bench.cluster.views();
      expect(far).toMatchObject({
        isUp: false,
        address: undefined,
        health: { noAddress: expect.stringContaining(errno) },
      });
      expect(bench.log.events).toMatchObject([
        { event: "node_down", node: "10.0.0.9:8125", reason: far.health.noAddress, nodes_up: 1 },
      ]);
      for (let i = 1; i <= 3; i++) {
        await bench.clock.elapse(ASK_AGAIN_MS);
        expect(bench.namesChanged).toBe(i);
        isAway = i < 2;
        expect(await bench.use(config)).toEqual([]);
        if (!isAway) break;
      }
      expect(bench.cluster.views()[1]).toMatchObject({ isUp: true, address: FAR.host });
      expect(bench.log.events.at(-1)).toMatchObject({ event: "node_up", node: "10.0.0.9:8125", nodes_up: 2 });
      // And then it is left alone.
      await bench.clock.elapse(10 * ASK_AGAIN_MS);
      expect(bench.namesChanged).toBe(2);
    },
  );

  test("is a problem if there is no other, at the start and when another configuration comes", async () => {
    const bench = new ClusterBench();
    withoutRoute(bench, (host) => (host === FAR.host ? "ENETUNREACH" : undefined));
    expect(await bench.change({ nodes: [FAR] })).toEqual(["nodes[0]"]);
    expect(await bench.change({ nodes: [NEAR] })).toEqual([]);
    expect(await bench.change({ nodes: [FAR, { ...FAR, port: 8126 }] })).toEqual(["nodes[0]", "nodes[1]"]);
    expect(bench.cluster.views()).toMatchObject([{ isUp: true, address: NEAR.host }]);
  });

  test("is a problem if the address itself is wrong", async () => {
    const bench = new ClusterBench();
    withoutRoute(bench, (host) => (host === FAR.host ? "EACCES" : undefined));
    expect(await bench.change({ nodes: [NEAR, FAR] })).toEqual(["nodes[1]"]);
  });

  test("is no problem if there is a name, whatever is behind it", async () => {
    const bench = new ClusterBench();
    bench.network.nameService.say(NAME, [FAR.host]);
    withoutRoute(bench, (host) => (host === FAR.host ? "ENETUNREACH" : undefined));
    expect(await bench.change({ nodes: [FAR, { host: NAME, port: 8131 }] })).toEqual([]);
    expect(bench.cluster.views()).toMatchObject([{ isUp: false }, { isUp: false }]);
  });

  test("is no problem of the configuration in force, whatever the reason is by then", async () => {
    const bench = new ClusterBench();
    bench.network.nameService.say(NAME, ["10.0.0.1"]);
    let errno = "ENETUNREACH";
    withoutRoute(bench, (host) => (host === FAR.host ? errno : undefined));
    const config = configOf({ nodes: [FAR, { host: NAME, port: 8131 }] });
    expect(await bench.use(config)).toEqual([]);
    for (errno of ["EINVAL", "EACCES", "EMFILE"]) {
      expect(await bench.use(config)).toEqual([]);
      expect(bench.cluster.views()[0].health.noAddress).toContain(errno);
    }
  });

  test("does not keep the one that it had before: its lines would go to the wrong place", async () => {
    const bench = new ClusterBench();
    withoutRoute(bench, (host) => (host === FAR.host ? "ENETUNREACH" : undefined));
    expect(await bench.change({ nodes: [NEAR, { ...NEAR, host: "10.0.0.2", name: "a" }] })).toEqual([]);
    expect(await bench.change({ nodes: [NEAR, { ...FAR, port: NEAR.port, name: "a" }] })).toEqual([]);
    expect(bench.cluster.views()[1]).toMatchObject({ label: "a", isUp: false, address: undefined });
    bench.relay("a:1|c", "b:1|c", "c:1|c");
    expect(bench.violations()).toEqual([]);
  });

  test("stays a node if the machine has got its address by then", async () => {
    const bench = new ClusterBench();
    withoutRoute(bench, (host) => (host === FAR.host ? "ENETUNREACH" : undefined));
    const config = configOf({ nodes: [NEAR, FAR] });
    expect(await bench.use(config)).toEqual([]);
    spyOn(bench.network, "ownAddresses").mockReturnValue([FAR.host]);
    expect(await bench.use(config)).toEqual([]);
    expect(bench.cluster.views()).toMatchObject([{ isUp: true }, { isUp: false, address: undefined }]);
  });

  test("is not tried any more when it has been removed, or the proxy stops", async () => {
    for (const end of [
      (bench: ClusterBench) => bench.change({ nodes: [NEAR] }),
      (bench: ClusterBench) => bench.cluster.finish(),
    ]) {
      const bench = new ClusterBench();
      withoutRoute(bench, (host) => (host === FAR.host ? "ENETUNREACH" : undefined));
      expect(await bench.change({ nodes: [NEAR, FAR] })).toEqual([]);
      await end(bench);
      await bench.clock.elapse(3 * ASK_AGAIN_MS);
      expect(bench.namesChanged).toBe(0);
    }
  });
});
