import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { destinationOf, type RoutedNode, type Routing } from "../../src/placement/destination.ts";
import { NO_LIVE_NODE } from "../../src/placement/owner.ts";
import { ownerAt } from "../../src/placement/ring.ts";
import { DEFAULT_TYPES } from "../support/naiveLines.ts";
import { BENCH_LABELS, PLACEMENT, RelayBench } from "../support/relayBench.ts";

const ALL_UP = nodesOf([true, true, true]);
const NONE_UP = nodesOf([false, false, false]);

/** What is said of a name or a line, with the name that it is routed by. */
function ask(asked: string, routing: Partial<Routing> = {}) {
  const bytes = Buffer.from(asked);
  const placed = { placement: PLACEMENT, ring: PLACEMENT.full };
  const found = destinationOf(bytes, { types: DEFAULT_TYPES, placed, nodes: ALL_UP, ...routing });
  if (found.kind === "rejected") return found;
  const { nameStart, nameEnd, ...rest } = found;
  return { ...rest, name: bytes.toString("utf8", nameStart, nameEnd) };
}

describe("a name", () => {
  test("goes where the relay sends it", () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[a-z][a-z0-9._]{0,20}$/), (name) => {
        const bench = new RelayBench({});
        bench.receive(`${name}:1|c`);
        bench.relay.flush();
        const node = BENCH_LABELS.find((_, node) => bench.linesSent(node).length > 0);
        expect(ask(name)).toMatchObject({ kind: "routed", name, now: node, allUp: node });
        expect(ask(`${name}:1|c|@0.1|#a:b`)).toMatchObject({ kind: "routed", name, now: node, allUp: node });
      }),
    );
  });

  test("has an owner whatever types pass, and a line has one only if its type passes", () => {
    const types = ["ms"];
    expect(ask("a.name", { types })).toMatchObject({ kind: "routed", name: "a.name" });
    expect(ask("a.name:1|ms", { types })).toMatchObject({ kind: "routed", name: "a.name" });
    expect(ask("a.name:1|c", { types })).toEqual({ kind: "rejected", reason: "unknown_type" });
  });

  test("has a position on the circle, at which the ring has its owner", () => {
    for (const name of Array.from({ length: 200 }, (_, i) => `app.${i}`)) {
      const found = ask(name);
      const position = found.kind === "routed" ? Math.round((found.position ?? 0) * 2 ** 32) : 0;
      expect(found).toMatchObject({ now: BENCH_LABELS[ownerAt(PLACEMENT.full, position)] });
    }
  });

  test("goes nowhere without a live node, and to every node when mirroring", () => {
    const none = PLACEMENT.live([false, false, false]);
    const { allUp } = ask("a") as { allUp: string };
    const placed = { placement: PLACEMENT, ring: none };
    expect(ask("a", { placed, nodes: NONE_UP })).toMatchObject({ now: "-", allUp });
    expect(ownerAt(none, 3)).toBe(NO_LIVE_NODE);
    const mirrored = { kind: "routed", name: "a", position: null, allUp: "*" } as const;
    expect(ask("a", { placed: undefined })).toEqual({ ...mirrored, now: "*" });
    expect(ask("a", { placed: undefined, nodes: NONE_UP })).toEqual({ ...mirrored, now: "-" });
  });

  test("whose node is down goes to another, or to none if the node keeps its names", () => {
    const { allUp } = ask("a") as { allUp: string };
    const isUp = BENCH_LABELS.map((label) => label !== allUp);
    const nodes = nodesOf(isUp);
    const ring = PLACEMENT.live(isUp);
    const owner = ownerAt(ring, PLACEMENT.position(Buffer.from("a"), 0, 1));
    expect(ask("a", { placed: { placement: PLACEMENT, ring }, nodes })).toMatchObject({
      now: BENCH_LABELS[owner],
      allUp,
    });
    expect(ask("a", { nodes })).toMatchObject({ now: "-", allUp });
  });
});

describe("what is asked about", () => {
  test.each([
    ["", "empty_name"],
    ["\n", "empty_name"],
    ["a|c", "no_colon"],
    [":1|c", "empty_name"],
    ["a:1|x", "unknown_type"],
  ])("may be no metric: %j is rejected (%s)", (asked, reason) => {
    expect(ask(asked) as unknown).toEqual({ kind: "rejected", reason });
  });

  test.each([
    ["a.b:3", "a.b"],
    ["_e{5,4}:title|text", "title"],
    ["_sc|redis|0", "redis"],
    ["naïve", "naïve"],
  ])("may be a part of a line, an event, or not ASCII: %j has the name %j", (asked, name) => {
    expect(ask(asked)).toMatchObject({ kind: "routed", name });
  });

  test("may be anything", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (asked) => {
        expect(["routed", "rejected"]).toContain(ask(asked).kind);
      }),
    );
  });
});

function nodesOf(isUp: readonly boolean[]): RoutedNode[] {
  return BENCH_LABELS.map((label, i) => ({ label, isUp: isUp[i] }));
}
