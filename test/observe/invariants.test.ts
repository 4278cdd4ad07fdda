import { describe, expect, test } from "bun:test";
import { violations } from "../../src/observe/invariants.ts";
import { NodeCounters } from "../../src/relay/counters.ts";
import { RelayBench } from "../support/relayBench.ts";

const LINES = "a:1|c\nb:2|c\nbad\nc:3|c\nd:4|nope";

describe.each([
  ["one owner for each line", false],
  ["mirroring", true],
])("%s", (_, mirror) => {
  function busyBench(): RelayBench {
    const bench = new RelayBench({ mirror });
    bench.receive(LINES);
    bench.relay.flush();
    bench.nodes[0].isUp = false;
    bench.nodes[1].takes = 0;
    bench.receive(LINES);
    bench.relay.flush();
    return bench;
  }

  test("the sums hold while lines are relayed, dropped, rejected and pending", () => {
    const bench = busyBench();
    expect(violations(bench.view())).toEqual([]);
  });

  test.each([
    ["received", (bench: RelayBench) => void bench.counters.linesReceived++],
    ["rejected", (bench: RelayBench) => void bench.counters.linesRejected[2]++],
    ["accepted", (bench: RelayBench) => void bench.counters.linesAccepted++],
    ["relayed", (bench: RelayBench) => void bench.nodes[2].counters.linesRelayed++],
    ["dropped", (bench: RelayBench) => void bench.nodes[2].counters.linesDropped.send_error++],
    ["pending", (bench: RelayBench) => void bench.nodes[1].batch.append(Buffer.from("a:1|c"), 0, 5, 1)],
  ])("a line too many that is %s is found", (_, lie) => {
    const bench = busyBench();
    lie(bench);
    expect(violations(bench.view()).length).toBeGreaterThan(0);
  });

  test("an error in the middle of a datagram leaves no line without a place", () => {
    const bench = busyBench();
    const accepted = bench.counters.linesAccepted;
    let seen = 0;
    bench.relay.observer = () => {
      if (++seen === 3) throw new Error("in the middle");
    };
    bench.receive("a:1|c\nb:1|c\nc:1|c\nd:1|c");
    expect(bench.failures).toEqual(["in the middle"]);
    expect(bench.counters.linesAccepted).toBe(accepted + 4);
    expect(bench.counters.linesDropped.internal_error).toBeGreaterThan(0);
    expect(violations(bench.view())).toEqual([]);
  });
});

test("a violation says what was expected, and what was found", () => {
  const bench = new RelayBench({});
  bench.receive("a:1|c");
  bench.counters.linesAccepted = 3;
  expect(violations(bench.view())).toEqual([
    { sum: "lines_received", expected: 1, found: 3 },
    { sum: "lines_accepted", expected: 3, found: 1 },
  ]);
});

test("lines of removed nodes belong to the sums", () => {
  const bench = new RelayBench({});
  const counters = new NodeCounters();
  counters.linesDue = 4;
  counters.linesRelayed = 3;
  bench.counters.linesReceived = 4;
  bench.counters.linesAccepted = 4;
  expect(violations({ ...bench.view(), retired: { counters, linesPending: 1 } })).toEqual([]);
  expect(violations({ ...bench.view(), retired: { counters, linesPending: 2 } })).toEqual([
    { sum: "lines_accepted", expected: 4, found: 5 },
    { sum: "retired: lines_due", expected: 4, found: 5 },
  ]);
});
