import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { Membership } from "../../src/engine/membership.ts";
import { afterCheck, STARTS_UP } from "../../src/health/health.ts";
import { ownerAt } from "../../src/placement/ring.ts";
import { BENCH_LABELS, PLACEMENT, RelayBench } from "../support/relayBench.ts";

const NODES = BENCH_LABELS.map((_, node) => node);
const NAMES = Array.from({ length: 30 }, (_, i) => `app.${i}`);
const passed = { atMs: 1, durationMs: 2, failure: undefined };
const failed = { atMs: 3, durationMs: 4, failure: "ECONNREFUSED" };
const RULES = { fall: 2, rise: 1 };

describe("record", () => {
  test("reports when a check takes a node down or up, and which nodes are up", () => {
    const { bench, membership } = rehashing();
    const records = [false, false, false, true, true].map((passes) => [
      membership.record(bench.nodes[1], passes ? passed : failed),
      bench.nodes[1].isUp,
      membership.upCount,
    ]);
    expect(records).toEqual([
      [false, true, 3],
      [true, false, 2],
      [false, false, 2],
      [true, true, 3],
      [false, true, 3],
    ]);
  });

  test("tracks each node separately, however many checks there are", () => {
    const checks = fc.array(fc.record({ node: fc.constantFrom(...NODES), passes: fc.boolean() }), {
      maxLength: 40,
      size: "max",
    });
    const rules = fc.record({ fall: fc.integer({ min: 1, max: 3 }), rise: fc.integer({ min: 1, max: 3 }) });
    fc.assert(
      fc.property(checks, rules, (checks, rules) => {
        const bench = new RelayBench({});
        const membership = membershipOf(bench, rules, true);
        const healths = NODES.map(() => STARTS_UP);
        for (const { node, passes } of checks) {
          const before = healths[node];
          healths[node] = afterCheck(before, passes, rules);
          const changed = membership.record(bench.nodes[node], passes ? passed : failed);
          expect(changed).toBe(before.isUp !== healths[node].isUp);
          const isUp = healths.map((health) => health.isUp);
          expect(bench.nodes.map((node) => node.isUp)).toEqual(isUp);
          expect(membership.upCount).toBe(isUp.filter(Boolean).length);
          expect(bench.locator?.ring).toEqual(PLACEMENT.live(isUp));
        }
      }),
      { numRuns: 50 },
    );
  });
});

test("a node without an address is down at once, passes its names on, and gets them back when it is released", () => {
  const { bench, membership } = rehashing();
  expect(membership.loseAddress(bench.nodes[1], "no name", 5)).toBe(true);
  expect(bench.locator?.ring).toEqual(PLACEMENT.live([true, false, true]));
  expect(membership.loseAddress(bench.nodes[1], "no name", 6)).toBe(false);
  expect(membership.release(bench.nodes[1], 7)).toBe(true);
  expect(bench.locator?.ring).toEqual(PLACEMENT.full);
  const [{ moved }, { moved: movedBack }] = membership.changes;
  expect(moved?.changes.map(({ node }) => node).sort()).toEqual([BENCH_LABELS[0], BENCH_LABELS[2]]);
  expect(moved?.changes.reduce((sum, { share }) => sum + share, 0)).toBeCloseTo(moved?.share ?? 0, 12);
  expect(movedBack?.share).toBe(moved?.share as number);
  expect(membership.changes).toMatchObject([
    { atMs: 5, node: BENCH_LABELS[1], isUp: false, failure: "no name" },
    { atMs: 7, node: BENCH_LABELS[1], isUp: true, failure: undefined },
  ]);
});

test("the last 50 changes are kept by the node's label, however often it comes and goes", () => {
  const bench = new RelayBench({});
  const membership = membershipOf(bench, { fall: 1, rise: 1 }, true);
  for (let atMs = 1; atMs <= 120; atMs++) membership.record(bench.nodes[1], { ...(atMs % 2 ? failed : passed), atMs });
  expect(membership.changes.map(({ atMs }) => atMs)).toEqual(Array.from({ length: 50 }, (_, i) => 71 + i));
  expect(membership.changes.slice(-2)).toMatchObject([
    { atMs: 119, node: BENCH_LABELS[1], isUp: false, failure: "check statsd at port 8141: ECONNREFUSED" },
    { atMs: 120, node: BENCH_LABELS[1], isUp: true, failure: undefined },
  ]);
});

test("what lasted until the wall clock was set back has lasted no time, and not less", () => {
  const bench = new RelayBench({});
  const membership = membershipOf(bench, { fall: 1, rise: 1 }, true);
  membership.record(bench.nodes[1], { ...failed, atMs: 5000 });
  membership.record(bench.nodes[1], { ...passed, atMs: 4000 });
  expect(membership.changes.at(-1)).toMatchObject({ isUp: true, lastedMs: 0 });
});

describe("a node that goes down", () => {
  test("passes its names, and no others, to the rest of the ring, and gets them back", () => {
    const { bench, membership } = rehashing();
    membership.record(bench.nodes[1], failed);
    membership.record(bench.nodes[1], failed);
    receiveAll(bench);
    const withoutIt = PLACEMENT.live([true, false, true]);
    expect(NODES.map((node) => bench.linesSent(node))).toEqual(NODES.map((node) => linesOwned(withoutIt, node)));
    membership.record(bench.nodes[1], passed);
    receiveAll(bench);
    expect(NODES.map((node) => bench.linesSent(node))).toEqual(
      NODES.map((node) => [...linesOwned(withoutIt, node), ...linesOwned(PLACEMENT.full, node)]),
    );
  });

  test("keeps its names with failover hold, and its lines are counted", () => {
    const bench = new RelayBench({});
    const membership = membershipOf(bench, RULES, false);
    membership.record(bench.nodes[1], failed);
    membership.record(bench.nodes[1], failed);
    receiveAll(bench);
    expect(NODES.map((node) => bench.linesSent(node))).toEqual(
      NODES.map((node) => (node === 1 ? [] : linesOwned(PLACEMENT.full, node))),
    );
    expect(bench.nodes[1].counters.linesDropped.held).toBe(linesOwned(PLACEMENT.full, 1).length);
    membership.record(bench.nodes[1], passed);
    receiveAll(bench);
    expect(bench.linesSent(1)).toEqual(linesOwned(PLACEMENT.full, 1));
  });

  test("misses mirrored lines, and the others do not", () => {
    const bench = new RelayBench({ mirror: true });
    const membership = membershipOf(bench, RULES, false);
    membership.record(bench.nodes[1], failed);
    membership.record(bench.nodes[1], failed);
    receiveAll(bench);
    expect(NODES.map((node) => bench.linesSent(node).length)).toEqual([NAMES.length, 0, NAMES.length]);
    expect(bench.nodes[1].counters.linesDropped.node_down).toBe(NAMES.length);
  });

  test("if it is the last one: lines have no live node until one is back", () => {
    const { bench, membership } = rehashing();
    for (const node of [...NODES, ...NODES]) membership.record(bench.nodes[node], failed);
    receiveAll(bench);
    expect(bench.counters.linesDropped.no_live_node).toBe(NAMES.length);
    membership.record(bench.nodes[2], passed);
    receiveAll(bench);
    expect(bench.linesSent(2).length).toBe(NAMES.length);
  });
});

describe("an operator's word", () => {
  const isUp = (bench: RelayBench) => bench.nodes.map((node) => node.isUp);

  test.each([true, false])("drain passes a node's names on, also with failover hold (rehash: %p)", (rehash) => {
    const bench = new RelayBench({});
    const membership = membershipOf(bench, RULES, rehash);
    membership.set(bench.nodes[1], "drain", 5);
    expect(isUp(bench)).toEqual([true, false, true]);
    expect(bench.locator?.ring).toEqual(PLACEMENT.live([true, false, true]));
    receiveAll(bench);
    expect(bench.linesSent(1)).toEqual([]);
    expect(bench.linesSent(0).length + bench.linesSent(2).length).toBe(NAMES.length);
    membership.set(bench.nodes[1], "up", 6);
    expect(bench.locator?.ring).toEqual(PLACEMENT.full);
    expect(bench.nodes[1].health).toMatchObject({ state: "up", sinceMs: 6, changes: 2 });
  });

  test("down is as if its checks failed: failover decides", () => {
    for (const rehash of [true, false]) {
      const bench = new RelayBench({});
      const membership = membershipOf(bench, RULES, rehash);
      membership.set(bench.nodes[1], "drain", 4);
      membership.set(bench.nodes[1], "down", 5);
      expect(isUp(bench)).toEqual([true, false, true]);
      expect(bench.locator?.ring).toEqual(rehash ? PLACEMENT.live([true, false, true]) : PLACEMENT.full);
      receiveAll(bench);
      const { held } = bench.nodes[1].counters.linesDropped;
      expect(held).toBe(rehash ? 0 : linesOwned(PLACEMENT.full, 1).length);
    }
  });

  test("stays whatever the checks say meanwhile, and what they say counts once it is up again", () => {
    const { bench, membership } = rehashing();
    const [node] = bench.nodes;
    membership.set(node, "drain", 1);
    // That it was taken out is a change that people see; what its checks say meanwhile is none.
    expect([failed, failed].map((check) => membership.record(node, check))).toEqual([false, false]);
    expect(membership.record(node, passed)).toBe(false);
    expect(node.health).toMatchObject({ state: "drained", isUp: false, changes: 1, sinceMs: 1 });
    for (const check of [failed, failed]) membership.record(node, check);
    expect(membership.changes).toMatchObject([{ isUp: false, failure: "drained by an operator" }]);
    membership.set(node, "up", 9);
    expect(node.health).toMatchObject({ state: "down", isUp: false, changes: 1 });
    expect(bench.locator?.ring).toEqual(PLACEMENT.live([false, true, true]));
    membership.record(node, passed);
    expect(isUp(bench)).toEqual([true, true, true]);
  });
});

test("the first node that goes tells which names moved, although no line has asked for a ring yet", () => {
  const { bench, membership } = rehashing();
  membership.place();
  for (const check of [failed, failed]) membership.record(bench.nodes[1], check);
  expect(membership.changes.at(-1)?.moved?.share).toBeGreaterThan(0.2);
});

function rehashing(): { bench: RelayBench; membership: Membership } {
  const bench = new RelayBench({});
  return { bench, membership: membershipOf(bench, RULES, true) };
}

function membershipOf(bench: RelayBench, rules: { fall: number; rise: number }, rehash: boolean): Membership {
  const { nodes, locator } = bench;
  const placed = locator && { locator, placement: PLACEMENT };
  return new Membership({ nodes, rules, placed, holds: !rehash });
}

function receiveAll(bench: RelayBench): void {
  bench.receive(NAMES.map(lineOf).join("\n"));
  bench.relay.flush();
}

function linesOwned(ring: typeof PLACEMENT.full, node: number): string[] {
  return NAMES.filter((name) => {
    const bytes = Buffer.from(name);
    return ownerAt(ring, PLACEMENT.position(bytes, 0, bytes.length)) === node;
  }).map(lineOf);
}

function lineOf(name: string): string {
  return `${name}:1|c`;
}
