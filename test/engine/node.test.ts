import { expect, onTestFinished, spyOn, test } from "bun:test";
import type { NodeConfig } from "../../src/config/config.ts";
import { bunPlatform } from "../../src/engine/bunPlatform.io.ts";
import { Node } from "../../src/engine/node.ts";
import { openLog } from "../../src/log/log.io.ts";
import { violations } from "../../src/observe/invariants.ts";
import { Lines } from "../../src/protocol/line.ts";
import { Counters, NodeCounters } from "../../src/relay/counters.ts";
import { Relay } from "../../src/relay/relay.ts";
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
  const relay = new Relay({ lines: new Lines(DEFAULT_TYPES, 1), locator: undefined, nodes, counters });
  const bytes = Buffer.from(Array.from({ length: 1000 }, (_, i) => `a:${i}|c`).join("\n"));
  relay.datagram(bytes, 0, bytes.length);
  relay.flush();

  expect(new Set(failures)).toEqual(new Set(["a programmer's"]));
  expect(nodes[0].counters.linesDropped.send_buffer_full).toBeGreaterThan(0);
  expect(nodes[1].counters.linesRelayed + nodes[1].counters.linesDropped.send_error).toBe(1000);
  expect(violations({ counters, nodes, retired: { counters: new NodeCounters(), linesPending: 0 } })).toEqual([]);
});
