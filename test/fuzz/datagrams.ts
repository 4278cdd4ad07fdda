/** Datagrams of anything, through a relay whose sockets and nodes come and go: every line has its one place. */
import { expect } from "bun:test";
import fc from "fast-check";
import { violations } from "../../src/observe/invariants.ts";
import { REJECT_REASONS, Verdict } from "../../src/protocol/line.ts";
import { datagram, hostileBytes } from "../support/arbitraries.ts";
import { naiveLines } from "../support/naiveLines.ts";
import { BENCH_LABELS, RelayBench } from "../support/relayBench.ts";
import type { Fuzzer } from "./fuzzer.ts";
import { anyBytes, spoilt } from "./mutations.ts";

const PIECES = [
  ":",
  "|",
  "\n",
  "\r\n",
  "_e{",
  "_e{1,1}:",
  "_sc|",
  "|c",
  "|ms|@0.1",
  ":1|c",
  "\0",
  "\xff",
  "x".repeat(1500),
];
const bytes = fc.oneof(
  { weight: 3, arbitrary: spoilt(datagram, fc.constantFrom(...PIECES)) },
  { weight: 1, arbitrary: hostileBytes },
  { weight: 1, arbitrary: anyBytes },
);
const NODES = BENCH_LABELS.map((_, node) => node);
const step = fc.oneof(
  { weight: 6, arbitrary: bytes },
  { weight: 1, arbitrary: fc.record({ node: fc.constantFrom(...NODES), takes: fc.constantFrom(0, 1, 2, 1e9) }) },
  { weight: 1, arbitrary: fc.constant("flush" as const) },
);
const parts = fc.record({
  mirror: fc.boolean(),
  datagramBytesMax: fc.constantFrom(0, 20, 512, 1432),
  cacheSize: fc.constantFrom(0, 2, 64),
});

const placed: Fuzzer = {
  name: "datagrams: each line of anything is in one place, as splitting strings finds it",
  property: fc.property(fc.array(step, { maxLength: 30, size: "max" }), parts, (steps, parts) => {
    const bench = new RelayBench(parts);
    const rejected = REJECT_REASONS.map(() => 0);
    const accepted: string[] = [];
    let datagrams = 0;
    for (const step of steps) {
      if (step === "flush") bench.relay.flush();
      else if (typeof step === "object") bench.nodes[step.node].takes = step.takes;
      else {
        datagrams++;
        for (const { text, verdict } of naiveLines(step)) {
          if (verdict === Verdict.accepted) accepted.push(text);
          else rejected[verdict - 1]++;
        }
        bench.receive(step);
      }
      expect(
        violations({ counters: bench.counters, nodes: bench.view().nodes, retired: bench.view().retired }),
      ).toEqual([]);
      expect(bench.counters.packetsReceived).toBe(datagrams);
      expect(bench.counters.linesAccepted).toBe(accepted.length);
      expect(bench.counters.linesRejected).toEqual(rejected);
    }
    // What no node was short of room for arrives, each line once for each that it is for.
    for (const node of NODES) bench.nodes[node].takes = 1e9;
    bench.relay.flush();
    const dropped = NODES.reduce((sum, node) => sum + bench.linesDropped(node), 0);
    const arrived = NODES.flatMap((node) => bench.linesSent(node));
    expect(arrived.length + dropped).toBe(accepted.length * (parts.mirror ? NODES.length : 1));
    const left = new Map<string, number>();
    for (const text of accepted) left.set(text, (left.get(text) ?? 0) + (parts.mirror ? NODES.length : 1));
    for (const text of arrived) left.set(text, (left.get(text) ?? 0) - 1);
    expect([...left].filter(([, count]) => count < 0)).toEqual([]);
  }),
};

export const DATAGRAM_FUZZERS: readonly Fuzzer[] = [placed];
