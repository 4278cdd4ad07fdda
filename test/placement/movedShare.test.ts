import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { loadFingerprint32 } from "../../src/placement/farmhash.io.ts";
import { type LabelledRing, movedNames, movedShare } from "../../src/placement/movedShare.ts";
import { type PlacedNode, Placement, RING_KINDS, type RingKind } from "../../src/placement/placement.ts";
import { ownerAt, shares } from "../../src/placement/ring.ts";

function placed(kind: RingKind, nodes: readonly PlacedNode[]): LabelledRing {
  return { ring: new Placement(kind, nodes, loadFingerprint32()).full, labels: nodes.map(({ label }) => label) };
}

const nodes = fc.uniqueArray(
  fc.record({ label: fc.constantFrom(..."abcdefgh"), weight: fc.integer({ min: 1, max: 3 }) }),
  { selector: ({ label }) => label, minLength: 1 },
);

describe("the part of the names that move", () => {
  test("is what another owner is found for, name by name", () => {
    fc.assert(
      fc.property(fc.constantFrom(...RING_KINDS), nodes, nodes, (kind, one, other) => {
        const [before, after] = [placed(kind, one), placed(kind, other)];
        const count = 20_000;
        let moved = 0;
        for (let i = 0; i < count; i++) {
          const position = Math.floor(((i + 0.5) / count) * 2 ** 32);
          const owners = [before, after].map(({ ring, labels }) => labels[ownerAt(ring, position)]);
          if (owners[0] !== owners[1]) moved++;
        }
        expect(movedShare(before, after)).toBeCloseTo(moved / count, 1);
        expect(movedShare(after, before)).toBeCloseTo(movedShare(before, after), 12);
      }),
      { numRuns: 30 },
    );
  });

  test("is none of the same nodes in another order, and all where no label is the same", () => {
    const [a, b, c] = ["a", "b", "c"].map((label) => ({ label, weight: 1 }));
    expect(movedShare(placed("farmhash", [a, b, c]), placed("farmhash", [c, a, b]))).toBe(0);
    expect(movedShare(placed("farmhash", [a]), placed("farmhash", [b]))).toBe(1);
  });

  test("is told by node, the largest change first, whether it lost them or got them", () => {
    const [a, b, c] = [1, 3, 9].map((weight, i) => ({ label: "abc"[i], weight }));
    const { share, changes } = movedNames(placed("farmhash", [a, b, c]), placed("farmhash", [a, b]));
    expect(changes.map(({ node }) => node)).toEqual(["c", "b", "a"]);
    expect(changes[0].share).toBeCloseTo(-share, 12);
    expect(changes[1].share + changes[2].share).toBeCloseTo(share, 12);
  });

  test("is the share of the node that leaves", () => {
    const all = ["a", "b", "c", "d"].map((label) => ({ label, weight: 1 }));
    const before = placed("farmhash", all);
    const [, , , share] = shares(before.ring, 4);
    expect(movedShare(before, placed("farmhash", all.slice(0, 3)))).toBeCloseTo(share, 12);
  });
});
