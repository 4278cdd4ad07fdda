import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { NO_LIVE_NODE } from "../../src/placement/owner.ts";
import { type NodePoints, ownerAt, type Ring, ringOf, ringOfLive, shares } from "../../src/placement/ring.ts";

const POSITION_MAX = 2 ** 32 - 1;

/** Positions from all over the circle, and so many from one small part of it that some are equal. */
const position = fc.oneof(fc.integer({ min: 0, max: POSITION_MAX }), fc.nat({ max: 20 }), fc.constant(POSITION_MAX));
const nodesPoints: fc.Arbitrary<NodePoints[]> = fc
  .array(fc.array(position, { maxLength: 12 }), { maxLength: 6 })
  .chain((positions) => fc.tuple(fc.constant(positions), permutationOf(positions.length)))
  .map(([positions, ranks]) =>
    positions.map((of, node) => ({ node, rank: ranks[node], positions: Uint32Array.from(of) })),
  );

describe("ringOf", () => {
  test("puts every point in ascending order; of equal positions the lower rank comes first", () => {
    fc.assert(
      fc.property(nodesPoints, (nodes) => {
        const points = nodes.flatMap(({ node, rank, positions }) =>
          Array.from(positions, (position) => ({ position, rank, node })),
        );
        points.sort((a, b) => a.position - b.position || a.rank - b.rank);
        expect(pointsOf(ringOf(nodes))).toEqual(points.map(({ position, node }) => [position, node]));
      }),
    );
  });

  test("keeps the extremes of positions, ranks and node indices exact", () => {
    const last = { node: 0xfffe, rank: 0xfffe, positions: Uint32Array.of(POSITION_MAX, 0) };
    const first = { node: 0, rank: 0, positions: Uint32Array.of(0, POSITION_MAX) };
    expect(pointsOf(ringOf([last, first]))).toEqual([
      [0, 0],
      [0, 0xfffe],
      [POSITION_MAX, 0],
      [POSITION_MAX, 0xfffe],
    ]);
  });
});

describe("ownerAt", () => {
  const ring = ringOf([
    { node: 0, rank: 0, positions: Uint32Array.of(10, 30) },
    { node: 1, rank: 1, positions: Uint32Array.of(20, 30) },
  ]);

  test.each([
    ["at the circle's beginning", 0, 0],
    ["just before a point", 9, 0],
    ["on a point", 10, 0],
    ["just behind a point", 11, 1],
    ["on a point of two nodes", 30, 0],
    ["behind the last point", 31, 0],
    ["at the circle's end", POSITION_MAX, 0],
  ])("a name %s", (_, position, owner) => {
    expect(ownerAt(ring, position)).toBe(owner);
  });

  test.each([0, 1, POSITION_MAX])("a single point owns the whole circle, wherever it is: %d", (position) => {
    const single = ringOf([{ node: 7, rank: 0, positions: Uint32Array.of(position) }]);
    for (const name of [0, 1, 2 ** 31 - 1, 2 ** 31, POSITION_MAX]) expect(ownerAt(single, name)).toBe(7);
  });

  test("points at both ends of the circle", () => {
    const ends = ringOf([
      { node: 0, rank: 0, positions: Uint32Array.of(0) },
      { node: 1, rank: 1, positions: Uint32Array.of(POSITION_MAX) },
    ]);
    expect([0, 1, 2 ** 31, POSITION_MAX].map((position) => ownerAt(ends, position))).toEqual([0, 1, 1, 1]);
  });

  test("names have no owner on an empty ring", () => {
    for (const position of [0, 2 ** 31, POSITION_MAX]) expect(ownerAt(ringOf([]), position)).toBe(NO_LIVE_NODE);
  });

  test("is the first point at or after the name, else the first of all", () => {
    fc.assert(
      fc.property(nodesPoints, position, (nodes, name) => {
        const ring = ringOf(nodes);
        expect(ownerAt(ring, name)).toBe(naiveOwner(pointsOf(ring), name));
      }),
    );
  });
});

describe("ringOfLive", () => {
  test("is the ring without the points of those that are not up", () => {
    fc.assert(
      fc.property(nodesPoints, fc.array(fc.boolean(), { minLength: 6, maxLength: 6 }), (nodes, isUp) => {
        const live = ringOfLive(ringOf(nodes), isUp);
        expect(pointsOf(live)).toEqual(pointsOf(ringOf(nodes.filter(({ node }) => isUp[node]))));
      }),
    );
  });
});

describe("shares", () => {
  test("add up to 1, and are the parts of the circle whose names a node owns", () => {
    fc.assert(
      fc.property(nodesPoints, (nodes) => {
        const ring = ringOf(nodes);
        const found = shares(ring, nodes.length);
        expect(found).toHaveLength(nodes.length);
        expect(found.reduce((sum, share) => sum + share, 0)).toBeCloseTo(ring.positions.length === 0 ? 0 : 1, 9);
        const owned = nodes.map(() => 0);
        // Between two neighbouring points all positions have one owner.
        const ends = [...new Set(pointsOf(ring).map(([position]) => position)), 2 ** 32];
        ends.forEach((end, i) => {
          const start = i === 0 ? 0 : ends[i - 1] + 1;
          const owner = ownerAt(ring, Math.min(end, POSITION_MAX));
          if (owner !== NO_LIVE_NODE) owned[owner] += (Math.min(end, POSITION_MAX) + 1 - start) / 2 ** 32;
        });
        owned.forEach((share, node) => void expect(found[node]).toBeCloseTo(share, 9));
      }),
    );
  });

  test.each([
    [
      [[2 ** 30, 2 ** 31], [3 * 2 ** 30]],
      [0.75, 0.25],
    ],
    [
      [[0], [2 ** 31]],
      [0.5, 0.5],
    ],
    [
      [[5], []],
      [1, 0],
    ],
    [
      [[], []],
      [0, 0],
    ],
  ])("two nodes with points at %j have %j", (positions, parts) => {
    const ring = ringOf(positions.map((of, node) => ({ node, rank: node, positions: Uint32Array.from(of) })));
    expect(shares(ring, 2)).toEqual(parts);
  });
});

function pointsOf(ring: Ring): [position: number, owner: number][] {
  return Array.from(ring.positions, (position, i) => [position, ring.owners[i]]);
}

function naiveOwner(points: readonly [number, number][], name: number): number {
  const [, owner] = points.find(([position]) => position >= name) ?? points[0] ?? [0, NO_LIVE_NODE];
  return owner;
}

function permutationOf(length: number): fc.Arbitrary<number[]> {
  const numbers = Array.from({ length }, (_, i) => i);
  return fc.shuffledSubarray(numbers, { minLength: length, maxLength: length });
}
