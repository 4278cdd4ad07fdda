import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { type NameMap, ringPicture, whereabouts } from "../../src/placement/destination.ts";
import { EVERY_NODE, NO_OWNER } from "../../src/placement/owner.ts";
import { ownerAt } from "../../src/placement/ring.ts";
import { DEFAULT_TYPES } from "../support/naiveLines.ts";
import { BENCH_LABELS, PLACEMENT, RelayBench } from "../support/relayBench.ts";

const ALL_UP = BENCH_LABELS.map(() => true);

/** What is said of a name or a line, with the name that it is routed by. */
function ask(asked: string, map: Partial<NameMap> = {}) {
  const bytes = Buffer.from(asked);
  const placed = { placement: PLACEMENT, ring: PLACEMENT.full };
  const found = whereabouts(bytes, { types: DEFAULT_TYPES, placed, isUp: ALL_UP, ...map });
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
        const node = BENCH_LABELS.findIndex((_, node) => bench.linesSent(node).length > 0);
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

  test("has a position on the circle, at which the picture of the ring shows its owner", () => {
    const parts = 50_000;
    const picture = ringPicture(PLACEMENT.full, parts);
    const names = Array.from({ length: 200 }, (_, i) => `app.${i}`);
    const agree = names.map((name) => {
      const found = ask(name);
      return found.kind === "routed" && picture[Math.floor((found.position ?? 0) * parts)] === found.now;
    });
    // A part has one owner in the picture, though points may lie within it.
    expect(agree.filter(Boolean).length).toBeGreaterThan(180);
  });

  test("has nowhere to go while no node is up, and every node when mirroring", () => {
    const none = PLACEMENT.live([false, false, false]);
    const isUp = [false, false, false];
    const { allUp } = ask("a") as { allUp: number };
    expect(ask("a", { placed: { placement: PLACEMENT, ring: none }, isUp })).toMatchObject({ now: NO_OWNER, allUp });
    expect(ringPicture(none, 3)).toEqual([NO_OWNER, NO_OWNER, NO_OWNER]);
    const mirrored = { kind: "routed", name: "a", position: null, allUp: EVERY_NODE };
    expect(ask("a", { placed: undefined })).toEqual({ ...mirrored, now: EVERY_NODE } as ReturnType<typeof ask>);
    expect(ask("a", { placed: undefined, isUp })).toEqual({ ...mirrored, now: NO_OWNER } as ReturnType<typeof ask>);
  });

  test("whose node is down goes to another, or nowhere while the node keeps its names", () => {
    const { allUp } = ask("a") as { allUp: number };
    const isUp = ALL_UP.map((_, node) => node !== allUp);
    const rehashed = ask("a", { placed: { placement: PLACEMENT, ring: PLACEMENT.live(isUp) }, isUp });
    expect(rehashed).toMatchObject({
      now: ownerAt(PLACEMENT.live(isUp), PLACEMENT.position(Buffer.from("a"), 0, 1)),
      allUp,
    });
    expect(ask("a", { isUp })).toMatchObject({ now: NO_OWNER, allUp });
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
