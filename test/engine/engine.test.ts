/** Sources that are opened and closed, on a fake network and a manual clock. */
import { describe, expect, onTestFinished, spyOn, test } from "bun:test";
import type { Problem } from "../../src/config/problem.ts";
import { Engine } from "../../src/engine/engine.ts";
import { Opening } from "../../src/engine/opening.ts";
import { openLog } from "../../src/log/log.io.ts";
import { BULK_DATAGRAMS } from "../../src/net/network.ts";
import { History } from "../../src/observe/history.ts";
import { ClusterBench, configOf, nodesOf } from "../support/clusterBench.ts";
import { FakeListener } from "../support/fakeNetwork.ts";

const [NODE] = nodesOf([8130]).map((node) => ({ ...node, managementport: 0 }));

/** An engine that listens at a port, and a function that moves it to another. */
async function engineAt(first: number) {
  const { platform, clock, network } = new ClusterBench();
  const log: string[] = [];
  const writer = { linesLost: 0, write: (line: string) => void log.push(line), flush: () => {} };
  const engine = new Engine({
    config: configOf({ nodes: [NODE] }),
    hash: "none",
    platform,
    log: openLog({ format: "logfmt", level: "info", writer }),
    onNamesChanged: () => {},
    debugMode: false,
  });
  onTestFinished(() => engine.close());
  const change = async (port: number, isStopping = false, gather = 10) => {
    const opening = new Opening(network);
    const next = configOf({ nodes: [NODE], port, gather });
    await clock.until(engine.prepare(next, opening));
    await clock.until(engine.prepareSource(next, opening, () => isStopping));
    opening.commit();
    return network.listeners[network.listeners.length - 1];
  };
  return { engine, clock, network, log, writer, change, listener: await change(first) };
}

test("a proxy that is stopping binds no other port: nobody would read what came to it", async () => {
  const { change, network } = await engineAt(8125);
  await change(8225, true);
  expect(network.listeners).toHaveLength(1);
});

/** A change to these settings, as far as the socket that metrics arrive at. */
async function opening(
  { engine, clock, network }: Awaited<ReturnType<typeof engineAt>>,
  settings: object,
  problems: Problem[] = [],
) {
  const opening = new Opening(network);
  const next = configOf({ nodes: [NODE], ...settings });
  await clock.until(engine.prepare(next, opening));
  opening.problems.push(...problems);
  await clock.until(engine.prepareSource(next, opening, () => false));
  return opening;
}

test("a change that comes to nothing leaves the port as it was, shared or not", async () => {
  const at = await engineAt(8125);
  (await opening(at, { host: "127.0.0.1" })).abandon();
  expect(at.listener.done.filter((what) => what.startsWith("setReusePort"))).toEqual([
    "setReusePort true",
    "setReusePort false",
  ]);
  expect(at.network.listeners.map(({ done }) => done.includes("close"))).toEqual([false, true]);
});

test("no socket shares a port for a change that cannot be made: what came to it would be lost", async () => {
  const at = await engineAt(8125);
  (await opening(at, { port: 8225, reusePort: true }, [{ at: "httpport", message: "in use" }])).abandon();
  expect(at.network.listeners).toHaveLength(1);
});

test("kernel drops of a replaced socket count exactly once, while it drains and after it is closed", async () => {
  const { engine, clock, change, listener } = await engineAt(8125);
  const drained = async ({ done }: typeof listener) => {
    while (!done.includes("close")) {
      await clock.settle(1);
      clock.advance(1);
    }
    await clock.settle(1);
  };
  listener.dropped = 5;
  expect(engine.view().kernelDrops).toBe(5);
  // So that it drains for a while.
  listener.held = 1000 * BULK_DATAGRAMS;
  listener.onRead = () => clock.pass(1);
  const next = await change(8126);
  next.dropped = 3;
  expect(listener.done).not.toContain("close");
  expect(engine.view().kernelDrops).toBe(8);
  listener.dropped = 6;
  await drained(listener);
  expect(engine.view().kernelDrops).toBe(9);
  const last = await change(8127);
  await drained(next);
  last.dropped = 1;
  expect(engine.view().kernelDrops).toBe(10);
});

test("those of the last socket count once when the proxy has stopped, too", async () => {
  const { engine, clock, log, listener } = await engineAt(8125);
  listener.dropped = 5;
  let isOver = false;
  void engine.finish().then(() => {
    isOver = true;
  });
  for (; !isOver; clock.advance(1)) await clock.settle(1);
  expect(engine.view().kernelDrops).toBe(5);
  expect(log.find((line) => line.includes("event=stopped"))).toContain("kernel_drops=5");
});

test("how long lines took is told of those that went to a node, and of no others", async () => {
  const { engine, clock, listener } = await engineAt(8125);
  Object.assign(listener.kernel, { waits: { ofBulkRead: () => 1, ofRuntime: () => 1 } });
  const [label] = engine.cluster.labels();
  const datagram = Buffer.from("a:1|c");
  const measured = async () => {
    // One in four is asked for.
    for (let turn = 0; turn < 4; turn++) {
      listener.parts.onDatagram(datagram, 0, datagram.length);
      await clock.settle(1);
    }
    return engine.view().delay?.count;
  };
  expect(await measured()).toBe(4);
  engine.cluster.setNode(label, "down");
  expect(await measured()).toBe(4);
  engine.cluster.setNode(label, "up");
  expect(await measured()).toBe(8);
});

test("its own metrics that a socket did not take are sent when it takes them", async () => {
  const at = await engineAt(8125);
  (await opening(at, { selfMetrics: { prefix: "proxy", interval: 1000 } })).commit();
  const [socket] = at.network.udp;
  socket.isFull = true;
  at.clock.advance(1000);
  expect(socket.sent).toEqual([]);
  socket.drain();
  expect(socket.sent.join("\n")).toContain("proxy.");
  expect(at.engine.counters.linesSelfDropped).toBe(0);
});

test("while a replaced socket drains no sleep is longer than the new configuration allows", async () => {
  const { clock, change, network } = await engineAt(8125);
  // Without the kernel's help the runtime reads the rest, and turns go on.
  network.listenUdp = async (parts) => {
    const listener = new FakeListener(parts, new Error("not here"));
    network.listeners.push(listener);
    return listener;
  };
  const listener = await change(8126, false, 100);
  const datagram = Buffer.from("a:1|c");
  const busy = async () => {
    for (let turn = 0; turn < 20; turn++) {
      for (let i = 0; i < 20; i++) listener.parts.onDatagram(datagram, 0, datagram.length);
      clock.advance(1);
      await clock.settle(1);
    }
  };
  await busy();
  expect(Math.max(...clock.slept)).toBeGreaterThan(2);
  clock.slept.length = 0;
  await change(8127, false, 1);
  await busy();
  expect(clock.slept.length).toBeGreaterThan(0);
  expect(Math.max(...clock.slept)).toBeLessThanOrEqual(1);
});

test("datagrams that could not be read in time are counted, and logged when the proxy stops", async () => {
  const { engine, clock, log, listener } = await engineAt(8125);
  listener.held = 5500 * BULK_DATAGRAMS;
  listener.onRead = () => clock.pass(1);
  let isOver = false;
  void engine.finish().then(() => {
    isOver = true;
  });
  while (!isOver) await clock.settle(1);
  expect(engine.counters.datagramsUnread).toBe(500 * BULK_DATAGRAMS);
  expect(engine.counters.packetsReceived).toBe(5000 * BULK_DATAGRAMS);
  expect(log.find((line) => line.includes("event=stopped"))).toContain(`datagrams_unread=${500 * BULK_DATAGRAMS}`);
});

test("what an operator says of the proxy is logged once for each change, and kept with its time", async () => {
  const { engine, clock, log } = await engineAt(8125);
  for (const isUp of [true, false, false, true, true]) {
    clock.advance(1000);
    engine.setHealth(isUp);
  }
  const set = log.filter((line) => line.includes("event=health_set"));
  expect(set.map((line) => line.replace(/^time=\S+ /, ""))).toEqual([
    "level=info event=health_set from=up to=down",
    "level=info event=health_set from=down to=up",
  ]);
  expect(engine.health).toEqual({ isUp: true, sinceMs: clock.epochMs() - 1000 });
});

describe("of a quiet proxy it is told within a second", () => {
  const lag = (engine: Engine, lagMs: number) => {
    const history = new History();
    const none = { received: 0, relayed: 0, rejected: 0, dropped: 0, kernel_drops: 0 };
    history.record(0, 0, 0, none);
    history.record(1000, 1000, lagMs, none);
    engine.history = history;
  };
  const happenings: Readonly<Record<string, [told: string, (at: Awaited<ReturnType<typeof engineAt>>) => void]>> = {
    "that the kernel drops datagrams": ["event=kernel_drops", ({ listener }) => void listener.dropped++],
    "that it cuts a console connection": ["event=console_cut", ({ engine }) => void engine.counters.consoleCut.idle++],
    "that it cuts an HTTP connection": ["event=http_cut", ({ engine }) => void engine.counters.httpCut.slow++],
    "that it has a bug": ["critical: 1 internal error", ({ engine }) => engine.failed(new Error("a bug"))],
    "that nobody reads its log": ["1 log line lost", ({ writer }) => void writer.linesLost++],
    "that it is drained": ["by health down", ({ engine }) => engine.setHealth(false)],
    "that it was late": ["the event loop was 2.0 s late", ({ engine }) => lag(engine, 2000)],
    "that a reload failed": [
      "warning: the reload failed",
      ({ engine }) => {
        engine.configuration = { ...engine.configuration, isLatest: false };
      },
    ],
    "that a node refuses": ["event=refusing", ({ engine }) => void engine.cluster.backends[0].counters.linesRefused++],
    "that sending fails": ["sending fails", ({ engine }) => void engine.cluster.backends[0].counters.sendErrors++],
    "that a node is taken out": [
      "the only node is taken out",
      ({ engine }) => engine.cluster.setNode("127.0.0.1:8130", "down"),
    ],
  };

  test.each(Object.entries(happenings))("%s", async (_, [told, happen]) => {
    const at = await engineAt(8125);
    at.clock.advance(30_000);
    at.log.length = 0;
    happen(at);
    at.clock.advance(1000);
    expect(at.log.join("")).toContain(told);
  });

  test("what a node loses, though another leaves that had lost as much", async () => {
    const at = await engineAt(8125);
    const [leaving, staying] = [NODE, { ...NODE, port: 8131 }];
    (await opening(at, { nodes: [leaving, staying] })).commit();
    at.engine.cluster.backends[0].counters.sendErrors += 5;
    at.clock.advance(600_000);
    at.log.length = 0;
    (await opening(at, { nodes: [staying] })).commit();
    at.engine.cluster.backends[0].counters.sendErrors += 5;
    at.clock.advance(1000);
    expect(at.log.join("")).toContain("sending fails");
  });

  test("but it is hardly looked at", async () => {
    const { engine, clock } = await engineAt(8125);
    const views = spyOn(engine, "view");
    clock.advance(30_000);
    expect(views.mock.calls.length).toBeLessThanOrEqual(1);
  });
});

test.each<[nodes: number, settings: object, sleptMs: number]>([
  [1, {}, 20],
  [30, {}, 30],
  [100, {}, 60],
  [100, { gather: 5 }, 5],
])("a busy proxy with %d nodes and the settings %j sleeps for %d ms at most", async (count, settings, sleptMs) => {
  const at = await engineAt(8125);
  const { clock, listener } = at;
  const nodes = nodesOf(Array.from({ length: count }, (_, i) => 9000 + i)).map((node) => ({
    ...node,
    managementport: 0,
  }));
  (await opening(at, { port: 8125, nodes, ...settings })).commit();
  const datagram = Buffer.from("a:1|c");
  for (let turn = 0; turn < 100; turn++) {
    clock.pass(1);
    for (let i = 0; i < 2; i++) listener.parts.onDatagram(datagram, 0, datagram.length);
    await clock.settle(1);
  }
  expect(Math.max(...clock.slept)).toBe(sleptMs);
});
