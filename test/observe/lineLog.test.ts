import { expect, test } from "bun:test";
import type { LogFields } from "../../src/log/logfmt.ts";
import { type LineLogParts, lineLog } from "../../src/observe/lineLog.ts";
import { PLACEMENT, RelayBench } from "../support/relayBench.ts";

type LineLogReason = ReturnType<LineLogParts["dropReason"]>;

/** What is said of the lines that a relay gets. */
function saidOf(
  bench: RelayBench,
  datagram: string,
  reason: LineLogReason = "no_live_node",
): [event: string, fields?: LogFields][] {
  const said: [string, LogFields?][] = [];
  const log = { debug: (...event: [string, LogFields?]) => void said.push(event) };
  bench.relay.observer = lineLog({
    log,
    liveLabels: () => bench.nodes.filter(({ isUp }) => isUp).map(({ label }) => label),
    dropReason: () => reason,
  });
  bench.receive(datagram);
  return said;
}

test("a line has the node that it goes to, and one that is rejected the reason", () => {
  const bench = new RelayBench({});
  const said = saidOf(bench, "a:1|c\nb\x00ad");
  const to = bench.nodes.find((_, node) => bench.linesWaiting(node).includes("a:1|c"))?.label;
  expect(said).toEqual([
    ["line", { line: "a:1|c", to }],
    ["line_rejected", { line: "b\\x00ad", reason: "no_colon" }],
  ] as typeof said);
});

test("a mirrored line goes to every node that is up", () => {
  const bench = new RelayBench({ mirror: true });
  expect(saidOf(bench, "a:1|c")).toEqual([
    ["line", { line: "a:1|c", to: "127.0.0.1:8130 127.0.0.1:8131 127.0.0.1:8132" }],
  ]);
  bench.nodes[1].isUp = false;
  expect(saidOf(bench, "a:1|c")).toEqual([["line", { line: "a:1|c", to: "127.0.0.1:8130 127.0.0.1:8132" }]]);
  for (const node of bench.nodes) node.isUp = false;
  expect(saidOf(bench, "a:1|c", "node_down")).toEqual([["line_dropped", { line: "a:1|c", reason: "node_down" }]]);
});

test("a line whose owner is down, and keeps its names, is dropped: it goes nowhere", () => {
  const bench = new RelayBench({});
  for (const node of bench.nodes) node.isUp = false;
  expect(saidOf(bench, "a:1|c", "held")).toEqual([["line_dropped", { line: "a:1|c", reason: "held" }]]);
});

test("a line that no node is up for is dropped", () => {
  const bench = new RelayBench({});
  bench.locator?.use(() => PLACEMENT.live([false, false, false]));
  expect(saidOf(bench, "a:1|c")).toEqual([["line_dropped", { line: "a:1|c", reason: "no_live_node" }]]);
});
