import { expect, onTestFinished, spyOn, test } from "bun:test";
import type { NodeConfig } from "../../src/config/config.ts";
import { bunPlatform } from "../../src/engine/bunPlatform.io.ts";
import { Node } from "../../src/engine/node.ts";
import { RefusingHosts } from "../../src/health/refusingHost.ts";
import { openLog } from "../../src/log/log.io.ts";
import { violations } from "../../src/observe/invariants.ts";
import { Lines } from "../../src/protocol/line.ts";
import { Batch } from "../../src/relay/batch.ts";
import { Counters, NodeCounters } from "../../src/relay/counters.ts";
import { Relay } from "../../src/relay/relay.ts";
import { ManualClock } from "../support/clocks.ts";
import { FakeNetwork } from "../support/fakeNetwork.ts";
import { DEFAULT_TYPES } from "../support/naiveLines.ts";
import { refusingPort } from "../support/ports.ts";

test("a bug while one node sends does not affect the others, and every line stays accounted for", async () => {
  const failures: string[] = [];
  const nodes = await Promise.all(
    ["broken", "whole"].map(async (label) => {
      const config: NodeConfig = {
        host: "127.0.0.1",
        port: await refusingPort(),
        managementport: 0,
        weight: 1,
        discover: false,
        label,
      };
      const node = await Node.open(
        { config, hostName: undefined, host: config.host, datagramBytesMax: 0, checkIntervalMs: 1000 },
        {
          platform: bunPlatform,
          refusingHosts: new RefusingHosts(),
          log: openLog({ format: "logfmt", level: "error" }),
          onCheck: () => {},
          onReady: () => {},
          onFailure: ({ message }) => void failures.push(message),
        },
      );
      onTestFinished(() => node.close());
      return node;
    }),
  );
  spyOn(nodes[0], "flush").mockImplementation(() => {
    throw new Error("a programmer's");
  });
  const counters = new Counters();
  const relay = new Relay({
    lines: new Lines(DEFAULT_TYPES, 1),
    locator: undefined,
    nodes,
    counters,
    onFailure: () => {},
  });
  const bytes = Buffer.from(Array.from({ length: 1000 }, (_, i) => `a:${i}|c`).join("\n"));
  relay.datagram(bytes, 0, bytes.length);
  relay.flush();

  expect(new Set(failures)).toEqual(new Set(["a programmer's"]));
  expect(nodes[0].counters.linesDropped.send_buffer_full).toBeGreaterThan(0);
  expect(nodes[1].counters.linesRelayed + nodes[1].counters.linesDropped.send_error).toBe(1000);
  expect(violations({ counters, nodes, retired: { counters: new NodeCounters(), linesPending: 0 } })).toEqual([]);
});

test("a refusal tells of a lost line only if no other datagram can have been refused", async () => {
  const clock = new ManualClock();
  const network = new FakeNetwork();
  const config = { host: "10.0.0.1", port: 8125, managementport: 0, weight: 1, discover: false, label: "a" };
  const settings = { config, hostName: undefined, host: config.host, datagramBytesMax: 0, checkIntervalMs: 1000 };
  const node = await Node.open(settings, {
    platform: { ...bunPlatform, clock, network },
    refusingHosts: new RefusingHosts(),
    log: openLog({ format: "logfmt", level: "error" }),
    onCheck: () => {},
    onReady: () => {},
    onFailure: () => {},
  });
  onTestFinished(() => node.close());
  node.startChecks(0);
  const [socket] = network.udp;
  const line = Buffer.from("a:1|c");

  node.batch.append(line, 0, line.length, 1);
  node.send();
  socket.answer("ECONNREFUSED");
  expect(node.counters.linesRefused).toBe(1);
  clock.advance(0);
  expect(socket.sent).toEqual(["a:1|c", "\n"]);
  // The checks begin anew before the answer to the old one's datagram has come.
  node.use({ ...settings, config: { ...config, port: 8126 } }, undefined, 0);
  socket.answer("ECONNREFUSED");
  expect(node.counters.linesRefused).toBe(1);

  const own = new Batch(0);
  own.append(line, 0, line.length, 1);
  node.flush(own, new NodeCounters());
  socket.answer("ECONNREFUSED");
  clock.advance(0);
  socket.answer("ECONNREFUSED");
  expect([node.counters.refusals, node.counters.linesRefused]).toEqual([4, 1]);
});

test("a node that hangs fails its checks, however often their interval changes meanwhile", async () => {
  const clock = new ManualClock();
  const network = new FakeNetwork();
  const config = { host: "10.0.0.1", port: 8125, managementport: 8126, weight: 1, discover: false, label: "a" };
  const settings = { config, hostName: undefined, host: config.host, datagramBytesMax: 0, checkIntervalMs: 1000 };
  const failures: (string | undefined)[] = [];
  const node = await Node.open(settings, {
    platform: { ...bunPlatform, clock, network },
    refusingHosts: new RefusingHosts(),
    log: openLog({ format: "logfmt", level: "error" }),
    onCheck: (_, { failure }) => failures.push(failure),
    onReady: () => {},
    onFailure: () => {},
  });
  onTestFinished(() => node.close());
  node.startChecks(0);
  for (let i = 1; i <= 40; i++) {
    clock.advance(100);
    node.use({ ...settings, checkIntervalMs: 1000 + i }, undefined, 0);
  }
  expect(failures.length).toBeGreaterThanOrEqual(3);
  expect(failures[0]).toBe("no answer in 1 s");
});
