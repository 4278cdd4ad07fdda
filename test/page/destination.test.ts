import { expect, test } from "bun:test";
import { destinationWords } from "../../src/page/destination.ts";
import { REJECT_REASONS } from "../../src/protocol/line.ts";

/** As people read it, nodes in brackets. */
function said(now: string, all_up: string, failover: string): string {
  const words = destinationWords({ kind: "routed", name: "x", position: 0.5, now, all_up }, failover);
  return words
    .map((word) => (typeof word === "string" ? word : "name" in word ? word.name : `[${word.node}]`))
    .join("");
}

test.each([
  ["a", "a", "rehash", "x goes to [a]."],
  ["b", "a", "rehash", "x goes to [b] until [a] is back."],
  ["-", "a", "rehash", "x goes nowhere: there is no live node, and it is dropped."],
  ["-", "a", "hold", "x belongs to [a], which is down: it is dropped until the node is back."],
  ["*", "*", "rehash", "x goes to every live node."],
  ["-", "*", "rehash", "x goes nowhere: there is no live node, and it is dropped."],
  ["-", "*", "hold", "x goes nowhere: there is no live node, and it is dropped."],
])("a name that goes to %s, and to %s when all nodes are up (failover: %s): %s", (now, allUp, failover, text) => {
  expect(said(now, allUp, failover)).toBe(text);
});

test("what is rejected goes nowhere, for a reason in words", () => {
  for (const reason of REJECT_REASONS) {
    const [text, ...rest] = destinationWords({ kind: "rejected", reason }, "rehash");
    expect(text).toMatch(/^Nowhere: it is not a metric, its? [^_]+\.$/);
    expect(rest).toEqual([]);
  }
});

test("a reason of a later version is told as it is", () => {
  expect(destinationWords({ kind: "rejected", reason: "too_odd" }, "rehash")).toEqual([
    "Nowhere: it is not a metric, too_odd.",
  ]);
});
