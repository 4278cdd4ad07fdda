import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { Lines } from "../../src/core/line.ts";
import { NO_OWNER } from "../../src/core/owner.ts";
import type { Ring } from "../../src/core/ring.ts";
import { ringPicture, whereabouts } from "../../src/core/whereabouts.ts";
import { DEFAULT_TYPES } from "../support/naiveLines.ts";
import { BENCH_LABELS, PLACEMENT, RelayBench } from "../support/relayBench.ts";

const ask = (asked: string, ring: Ring = PLACEMENT.full) =>
  whereabouts(asked, { lines: new Lines(DEFAULT_TYPES, 1), placed: { placement: PLACEMENT, ring } });

describe("a name", () => {
  test("goes where the relay sends it", () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[a-z][a-z0-9._]{0,20}$/), (name) => {
        const bench = new RelayBench({});
        bench.receive(`${name}:1|c`);
        bench.relay.flush();
        const node = BENCH_LABELS.findIndex((_, node) => bench.linesSent(node).length > 0);
        expect(ask(name)).toMatchObject({ kind: "owned", name, node });
        expect(ask(`${name}:1|c|@0.1|#a:b`)).toMatchObject({ kind: "owned", name, node });
      }),
    );
  });

  test("has an owner whatever types pass, and a line has one only if its type passes", () => {
    const lines = new Lines(["ms"], 1);
    const placed = { placement: PLACEMENT, ring: PLACEMENT.full };
    expect(whereabouts("a.name", { lines, placed })).toMatchObject({ kind: "owned", name: "a.name" });
    expect(whereabouts("a.name:1|ms", { lines, placed })).toMatchObject({ kind: "owned", name: "a.name" });
    expect(whereabouts("a.name:1|c", { lines, placed })).toEqual({ kind: "rejected", reason: "unknown_type" });
  });

  test("has a position on the circle, at which the picture of the ring shows its owner", () => {
    const parts = 50_000;
    const picture = ringPicture(PLACEMENT.full, parts);
    const names = Array.from({ length: 200 }, (_, i) => `app.${i}`);
    const agree = names.map((name) => {
      const found = ask(name);
      return found.kind === "owned" && picture[Math.floor(found.position * parts)] === found.node;
    });
    // A part has one owner in the picture, though points may lie within it.
    expect(agree.filter(Boolean).length).toBeGreaterThan(180);
  });

  test("has nowhere to go while no node is up, and every node when mirroring", () => {
    const none = PLACEMENT.live([false, false, false]);
    expect(ask("a", none)).toMatchObject({ kind: "no_live_node", name: "a" });
    expect(ringPicture(none, 3)).toEqual([NO_OWNER, NO_OWNER, NO_OWNER]);
    expect(whereabouts("a", { lines: new Lines(DEFAULT_TYPES, 1), placed: undefined })).toEqual({
      kind: "every_node",
      name: "a",
    });
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
    expect(ask(asked)).toEqual({ kind: "rejected", reason });
  });

  test.each([
    ["a.b:3", "a.b"],
    ["_e{5,4}:title|text", "title"],
    ["_sc|redis|0", "redis"],
    ["naïve", "naïve"],
  ])("may be a part of a line, an event, or not ASCII: %j has the name %j", (asked, name) => {
    expect(ask(asked)).toMatchObject({ kind: "owned", name });
  });

  test("may be anything", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (asked) => {
        expect(["owned", "rejected"]).toContain(ask(asked).kind);
      }),
    );
  });
});
