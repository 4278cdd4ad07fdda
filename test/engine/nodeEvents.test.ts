/** What a node counts and tells of its checks and of its socket, and that it waits for nothing once it is closed. */
import { expect, test } from "bun:test";
import { ClusterBench, nodesOf } from "../support/clusterBench.ts";

const [A] = nodesOf([8130]);
const UNCHECKED = { ...A, managementport: 0 };
/** `fall` is so high that nothing else happens when a check fails. */
const SETTINGS = { nodes: [A], checkInterval: 1000, fall: 20 };

test("each check is counted as passed or as failed", async () => {
  const bench = await ClusterBench.open(SETTINGS);
  const counted = () => {
    const { checksPassed, checksFailed } = bench.cluster.views()[0].counters;
    return [checksPassed, checksFailed];
  };
  bench.clock.advance(900);
  bench.check(A.managementport).parts.onEnd("ECONNREFUSED");
  expect(counted()).toEqual([0, 1]);
  while (bench.checksOf(A.managementport) === 1) bench.clock.advance(10);
  const { parts } = bench.check(A.managementport);
  parts.onConnect();
  expect(counted()).toEqual([0, 1]);
  parts.onBytes(Buffer.from("health: up\n"));
  expect(counted()).toEqual([1, 1]);
});

test("an error of its socket is told, and so is that it sends again", async () => {
  const bench = await ClusterBench.open({ nodes: [UNCHECKED] });
  const events = () => bench.log.events.map(({ event }) => event);
  bench.socket(A.port).answer("ENETUNREACH");
  // The socket is opened anew.
  await bench.clock.until(Promise.resolve());
  bench.relay("a:1|c");
  bench.clock.advance(4999);
  bench.relay("a:2|c");
  expect(events()).toEqual(["send_failed"]);
  bench.clock.advance(1);
  bench.relay("a:3|c");
  expect(events()).toEqual(["send_failed", "send_recovered"]);
});

test("closed, it asks nobody any more, and no timer is left", async () => {
  const bench = await ClusterBench.open(SETTINGS);
  bench.clock.advance(900);
  expect(bench.clock.timersLeft).toBeGreaterThan(0);
  bench.cluster.close();
  expect(bench.check(A.managementport).isDestroyed).toBe(true);
  expect(bench.clock.timersLeft).toBe(0);
});

test("closed while an answer to a datagram of its own may come, it does not wait for it", async () => {
  const bench = await ClusterBench.open({ nodes: [UNCHECKED] });
  // A refusal: it looks whether the port is closed.
  bench.relay("a:1|c");
  bench.socket(A.port).answer("ECONNREFUSED");
  bench.clock.advance(0);
  expect(bench.socket(A.port).sent).toContain("\n");
  bench.cluster.close();
  expect(bench.clock.timersLeft).toBe(0);
});
