import { expect, test } from "bun:test";
import type { LogFields } from "../../src/log/logfmt.ts";
import { lineLog } from "../../src/observe/lineLog.ts";
import { PLACEMENT, RelayBench } from "../support/relayBench.ts";

/** What is said of the lines that a relay gets. */
function saidOf(bench: RelayBench, datagram: string): [event: string, fields?: LogFields][] {
  const said: [string, LogFields?][] = [];
  const log = { debug: (...event: [string, LogFields?]) => void said.push(event) };
  bench.relay.observer = lineLog(log, () => bench.nodes.map(({ label }) => label));
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

test("a mirrored line goes to every node", () => {
  expect(saidOf(new RelayBench({ mirror: true }), "a:1|c")).toEqual([
    ["line", { line: "a:1|c", to: "127.0.0.1:8130 127.0.0.1:8131 127.0.0.1:8132" }],
  ]);
});

test("a line that no node is up for is dropped", () => {
  const bench = new RelayBench({});
  bench.locator?.use(() => PLACEMENT.live([false, false, false]));
  expect(saidOf(bench, "a:1|c")).toEqual([["line_dropped", { line: "a:1|c", reason: "no_live_node" }]]);
});
