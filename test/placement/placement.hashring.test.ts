import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { Placement } from "../../src/placement/placement.ts";
import { ownerAt, type Ring } from "../../src/placement/ring.ts";
import { HASH_RINGS, type HashRing } from "../support/hashrings.ts";

/** Room for a slow machine; nothing is asserted about time. */
const TIMEOUT_MS = 60_000;
const NODES_MAX = 64;
const NAMES = Array.from({ length: 10_000 }, (_, i) => `${["app", "db.query", "caché", "x;t=v"][i % 4]}.${i * 7919}`);
/** Each name is hashed once: where it lies does not depend on the ring (test: "a name has the position that hashring gives it"). */
const POSITIONS = NAMES.map((name) => positionOf(placementOf("etsy", ["any:1"]), Buffer.from(name)));

describe.each(["etsy", "ketama"] as const)("hashring's %s ring is ours", (kind) => {
  const hashRing = HASH_RINGS[kind];

  test("a name has the position that hashring gives it", () => {
    const [label] = labelsOf(1);
    const ours = placementOf(kind, [label]);
    const theirs = hashRing({ [label]: 100 });
    expect(NAMES.map((name) => positionOf(ours, Buffer.from(name)))).toEqual(NAMES.map((n) => theirs.hashValue(n)));
    expect(POSITIONS).toEqual(NAMES.map((name) => theirs.hashValue(name)));
  });

  test(
    `with 1 to ${NODES_MAX} nodes: every point, and the owners of ${NAMES.length} names`,
    () => {
      for (let nodes = 1; nodes <= NODES_MAX; nodes++) {
        const labels = labelsOf(nodes);
        const theirs = hashRing(weightsOf(labels));
        const ring = placementOf(kind, labels).full;
        expectSame(ring, labels, theirs);
        // hashring's own way, from the name on, for some of the names.
        for (let i = nodes; i < NAMES.length; i += NODES_MAX)
          expect(labels[ownerAt(ring, POSITIONS[i])]).toBe(theirs.get(NAMES[i]) ?? "nobody");
      }
    },
    TIMEOUT_MS,
  );

  test(
    `with 1 to ${NODES_MAX} nodes, of which one leaves, then another, then both are back`,
    () => {
      for (let nodes = 1; nodes <= NODES_MAX; nodes++) {
        const labels = labelsOf(nodes);
        const theirs = hashRing(weightsOf(labels));
        const placement = placementOf(kind, labels);
        const isUp = labels.map(() => true);
        const history = nodes === 1 ? [0, 0] : [nodes >> 1, nodes - 1, nodes >> 1, nodes - 1];
        for (const node of nodes === 2 ? [1, 0, 1, 0] : history) {
          isUp[node] = !isUp[node];
          if (isUp[node]) theirs.add({ [labels[node]]: 100 });
          else theirs.remove(labels[node]);
          expectSame(placement.live(isUp), labels, theirs);
        }
      }
    },
    TIMEOUT_MS,
  );

  test("with weights, after any history of nodes that leave and come back", () => {
    const nodes = fc.uniqueArray(fc.record({ label, weight: fc.integer({ min: 1, max: 100 }) }), {
      minLength: 1,
      maxLength: 8,
      selector: (node) => node.label,
    });
    fc.assert(
      fc.property(nodes, fc.array(fc.nat({ max: 7 }), { maxLength: 6 }), (nodes, history) => {
        const labels = nodes.map((node) => node.label);
        const weights = Object.fromEntries(nodes.map(({ label, weight }) => [label, 100 * weight]));
        const theirs = hashRing(weights);
        const placement = new Placement(kind, nodes, neverCalled);
        // Two nodes with an equal point: hashring puts a node that was away last, ours keep their order.
        fc.pre(new Set(placement.full.positions).size === placement.full.positions.length);
        const isUp = nodes.map(() => true);
        expectSamePoints(placement.full, labels, theirs);
        for (const toggled of history) {
          const node = toggled % nodes.length;
          isUp[node] = !isUp[node];
          if (isUp[node]) theirs.add({ [labels[node]]: weights[labels[node]] });
          else theirs.remove(labels[node]);
          expectSamePoints(placement.live(isUp), labels, theirs);
        }
      }),
      { numRuns: 60 },
    );
  });

  test("invalid UTF-8 is hashed like hashring hashes the decoded text", () => {
    const labels = labelsOf(5);
    const theirs = hashRing(weightsOf(labels));
    const ours = placementOf(kind, labels);
    const noColon = fc.uint8Array({ minLength: 1 }).filter((bytes) => !bytes.includes(0x3a));
    fc.assert(
      fc.property(noColon, (name) => {
        const [decoded] = new TextDecoder("utf-8", { ignoreBOM: true }).decode(name).split(":");
        const position = positionOf(ours, Buffer.from(name));
        expect(position).toBe(theirs.hashValue(decoded));
        expect(labels[ownerAt(ours.full, position)]).toBe(theirs.get(decoded) ?? "nobody");
      }),
      { numRuns: 500 },
    );
  });
});

/** A host and a port, or a node's configured name. */
const label = fc.oneof(
  fc.tuple(fc.ipV4(), fc.integer({ min: 1, max: 65535 })).map(([host, port]) => `${host}:${port}`),
  fc.tuple(fc.domain(), fc.integer({ min: 1, max: 65535 })).map(([host, port]) => `${host}:${port}`),
  fc.stringMatching(/^stats[a-z0-9-]{1,8}$/),
);

function labelsOf(count: number): string[] {
  return Array.from({ length: count }, (_, i) => `10.1.${i % 3}.${i}:${8125 + 2 * (i % 5)}`);
}

function weightsOf(labels: readonly string[]): Record<string, number> {
  return Object.fromEntries(labels.map((label) => [label, 100]));
}

function placementOf(kind: "etsy" | "ketama", labels: readonly string[]): Placement {
  const nodes = labels.map((label) => ({ label, weight: 1 }));
  return new Placement(kind, nodes, neverCalled);
}

function neverCalled(): never {
  throw new Error("these rings have no business with farmhash");
}

function positionOf(placement: Placement, name: Buffer): number {
  return placement.position(name, 0, name.length);
}

function expectSame(ring: Ring, labels: readonly string[], theirs: HashRing): void {
  expectSamePoints(ring, labels, theirs);
  const differing = NAMES.filter((_, i) => {
    const point = theirs.ring[theirs.find(POSITIONS[i])];
    return labels[ownerAt(ring, POSITIONS[i])] !== point?.server;
  });
  expect({ nodes: labels.length, differing }).toEqual({ nodes: labels.length, differing: [] });
}

function expectSamePoints(ring: Ring, labels: readonly string[], theirs: HashRing): void {
  expect(ring.positions.length).toBe(theirs.ring.length);
  const differing = theirs.ring.filter(
    ({ value, server }, i) => ring.positions[i] !== value || labels[ring.owners[i]] !== server,
  );
  expect({ labels, differing }).toEqual({ labels, differing: [] });
}
