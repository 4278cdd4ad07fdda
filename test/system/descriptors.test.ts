import { expect, test } from "bun:test";
import fc from "fast-check";
import { CONNECTIONS_MAX, divideDescriptors } from "../../src/system/descriptors.ts";

test.each([
  [1024, 3, 2, { connectionsMax: 128 }],
  [256, 3, 2, { connectionsMax: 109 }],
  [256, 3, 1, { connectionsMax: 128 }],
  [64, 3, 2, { connectionsMax: 13 }],
  [64, 100, 2, { needed: 240 }],
  [Number.POSITIVE_INFINITY, 1000, 2, { connectionsMax: 128 }],
])("%d descriptors for %d nodes and %d servers: %j", (limit, nodes, servers, room) => {
  expect(divideDescriptors(limit, nodes, servers)).toEqual(room);
});

test("what is needed is enough, and one less is not; nobody gets what nodes need", () => {
  fc.assert(
    fc.property(fc.nat(2000), fc.nat(500), fc.constantFrom(1, 2), (limit, nodes, servers) => {
      const room = divideDescriptors(limit, nodes, servers);
      if ("needed" in room) {
        expect(room.needed).toBeGreaterThan(limit);
        expect(divideDescriptors(room.needed, nodes, servers)).toHaveProperty("connectionsMax");
        expect(divideDescriptors(room.needed - 1, nodes, servers)).toEqual(room);
      } else {
        expect(room.connectionsMax).toBeLessThanOrEqual(CONNECTIONS_MAX);
        expect(servers * room.connectionsMax + 2 * nodes + 32).toBeLessThanOrEqual(limit);
      }
    }),
  );
});
