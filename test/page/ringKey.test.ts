import { describe, expect, test } from "bun:test";
import type { StatusJson } from "../../src/observe/statusJson.ts";
import { isRingOf, ringKey } from "../../src/page/ringKey.ts";
import { statusOf } from "../support/statusJson.ts";

const STATUS = statusOf(["a", "b"]);

describe("the ring is drawn again", () => {
  const [a, b] = STATUS.nodes;
  test.each<[string, Partial<StatusJson>]>([
    ["a node appears", statusOf(["a", "b", "c"])],
    ["a node vanishes", statusOf(["a"])],
    ["nodes change places", { nodes: [b, a] }],
    ["a node goes down", { nodes: [a, { ...b, up: false }] }],
    [
      "shares change",
      {
        nodes: [
          { ...a, figures: { ring_share: 0.4 } },
          { ...b, figures: { ring_share: 0.6 } },
        ],
      },
    ],
    ["the proxy is another", { started_at_ms: 2000 }],
    ["lines are mirrored", { mirror: true }],
    ["the ring is of another kind", { ring: "ketama" }],
    ["names are held", { failover: "hold" }],
  ])("when %s", (_, change) => {
    expect(ringKey({ ...STATUS, ...change })).not.toBe(ringKey(STATUS));
  });

  test("not when nothing but figures change", () => {
    const nodes = STATUS.nodes.map((node) => ({ ...node, rate: 5, figures: { ...node.figures, lines_relayed: 7 } }));
    expect(ringKey({ ...STATUS, nodes, now_ms: 10_000, figures: { lines_received: 7 } })).toBe(ringKey(STATUS));
  });
});

test.each([
  [["a", "b"], true],
  [["b", "a"], false],
  [["a"], false],
  [["a", "b", "c"], false],
  [["a", "c"], false],
])("a picture of the nodes %j is of the nodes a and b: %p", (nodes, isOf) => {
  expect(isRingOf({ nodes, parts: null, full_shares: null }, STATUS)).toBe(isOf);
});
