import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { NO_LIVE_NODE } from "../../src/placement/owner.ts";
import { ownerAt, type Ring, ringOf } from "../../src/placement/ring.ts";
import { RingIndex } from "../../src/placement/ringIndex.ts";

const LAST = 2 ** 32 - 1;
const position = fc.oneof(
  fc.integer({ min: 0, max: LAST }),
  // Beginnings of buckets, and their neighbours.
  fc
    .tuple(fc.integer({ min: 0, max: 64 }), fc.integer({ min: -1, max: 1 }))
    .map(([part, more]) => clamped(part * 2 ** 26 + more)),
  fc.constantFrom(0, 1, LAST - 1, LAST),
);

function clamped(position: number): number {
  return Math.max(0, Math.min(position, LAST));
}

describe("the index of a ring", () => {
  test("finds the owner that a search of all points finds, at and around every point", () => {
    const points = fc.array(fc.tuple(position, fc.constantFrom(0, 1, 2, 40_000, 65_534)), {
      maxLength: 80,
      size: "max",
    });
    fc.assert(
      fc.property(points, fc.array(position, { maxLength: 20 }), (points, asked) => {
        const ring = ringAt(points);
        const index = new RingIndex(ring);
        const around = points.flatMap(([at]) => [clamped(at - 1), at, clamped(at + 1)]);
        for (const at of [...asked, ...around, 0, LAST]) expect(index.ownerAt(at)).toBe(ownerAt(ring, at));
      }),
      { numRuns: 1000 },
    );
  });

  test.each([
    [1000, 200_000],
    [5, 3000],
  ])("of %d nodes with %d points, crowded in a corner of the circle", (nodes, count) => {
    const points = Array.from({ length: count }, (_, i): [number, number] => [(i * 7919) % 1_000_003, i % nodes]);
    const ring = ringAt(points);
    const index = new RingIndex(ring);
    for (let at = 0; at < 1_000_100; at += 997) expect(index.ownerAt(at)).toBe(ownerAt(ring, at));
    expect(index.ownerAt(LAST)).toBe(ownerAt(ring, LAST));
  });

  test("takes no more than a megabyte beside its points, however many they are", () => {
    const points = Array.from({ length: 300_000 }, (_, i): [number, number] => [i * 14_000, i % 3]);
    expect(2 ** (32 - new RingIndex(ringAt(points)).shift)).toBe(2 ** 18);
  });

  test("of an empty ring has no owner anywhere", () => {
    const index = new RingIndex(ringAt([]));
    for (const at of [0, 1, 2 ** 31, LAST]) expect(index.ownerAt(at)).toBe(NO_LIVE_NODE);
  });
});

function ringAt(points: readonly (readonly [position: number, owner: number])[]): Ring {
  return ringOf(
    points.map(([at, owner], rank) => ({ node: owner, rank: rank % 0xffff, positions: Uint32Array.of(at) })),
  );
}
