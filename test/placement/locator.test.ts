import { describe, expect, spyOn, test } from "bun:test";
import fc from "fast-check";
import { coreMemory } from "../../src/core/core.ts";
import { loadFingerprint32 } from "../../src/placement/farmhash.io.ts";
import { locatorOf } from "../../src/placement/locator.ts";
import { NO_LIVE_NODE } from "../../src/placement/owner.ts";
import { Placement } from "../../src/placement/placement.ts";
import { ownerAt } from "../../src/placement/ring.ts";
import type { RingIndex } from "../../src/placement/ringIndex.ts";

const NODES = Array.from({ length: 4 }, (_, i) => ({ label: `127.0.0.1:${8130 + i}`, weight: 1 }));
const placements = (["farmhash", "etsy"] as const).map((kind) => new Placement(kind, NODES, loadFingerprint32()));

describe("the owner of a name", () => {
  test("is the ring's, at every moment, whatever was cached before", () => {
    const name = fc.oneof(fc.constantFrom("a", "b", "app.logins"), fc.string({ minLength: 1, maxLength: 6 }));
    const isUp = fc.array(fc.boolean(), { minLength: NODES.length, maxLength: NODES.length });
    fc.assert(
      fc.property(
        fc.constantFrom(...placements),
        fc.constantFrom(0, 1, 2, 64),
        fc.constantFrom(0, 3, 0xffffffff),
        fc.array(
          fc.oneof(
            { weight: 9, arbitrary: name },
            { weight: 1, arbitrary: isUp },
            { weight: 1, arbitrary: fc.constantFrom("the core relays", "it has relayed") },
          ),
          { maxLength: 60, size: "max" },
        ),
        (placement, cacheSize, hashMask, steps) => {
          const locator = locatorOf(placement, cacheSize);
          let { index } = locator;
          coreMemory.isHeld = false;
          for (const step of steps) {
            // The core reads the index that it was told of.
            if (coreMemory.isHeld) expect(locator.index).toBe(index as RingIndex);
            if (step === "the core relays" || step === "it has relayed") {
              index = locator.index;
              coreMemory.isHeld = step === "the core relays";
              continue;
            }
            if (typeof step !== "string") {
              locator.use(() => placement.live(step));
              expect(locator.namesCached).toBe(0);
              continue;
            }
            const bytes = Buffer.from(`${step}:1|c`);
            const nameEnd = bytes.length - 4;
            const hash = (Number(Bun.hash.xxHash32(step)) & hashMask) | 0;
            const owner = locator.owner(bytes, 0, nameEnd, hash);
            expect(owner).toBe(ownerAt(locator.ring, placement.position(bytes, 0, nameEnd)));
            expect(locator.namesCached).toBeLessThanOrEqual(cacheSize);
          }
          coreMemory.isHeld = false;
        },
      ),
    );
  });

  test("is none without a live node, and the same as before afterwards", () => {
    const [placement] = placements;
    const locator = locatorOf(placement, 64);
    const bytes = Buffer.from("app.logins");
    const owner = locator.owner(bytes, 0, bytes.length, 1);
    locator.use(() => placement.live(NODES.map(() => false)));
    expect(locator.owner(bytes, 0, bytes.length, 1)).toBe(NO_LIVE_NODE);
    expect(locator.namesCached).toBe(0);
    locator.use(() => placement.full);
    expect(locator.owner(bytes, 0, bytes.length, 1)).toBe(owner);
  });

  test("is looked up in the same memory, however often the ring changes", () => {
    const [placement] = placements;
    const locator = locatorOf(placement, 0);
    const positions = new Set<number | undefined>();
    for (let i = 0; i < 200; i++) {
      locator.use(() => placement.live(NODES.map((_, node) => node !== i % NODES.length)));
      positions.add(locator.index?.bucketsAt);
    }
    // The new one is made before the old one is given back.
    expect(positions.size).toBeLessThanOrEqual(4);
  });

  test("is looked up on a ring that is made once, however many changes there were since the last lookup", () => {
    const [placement] = placements;
    const locator = locatorOf(placement, 64);
    const bytes = Buffer.from("app.logins");
    let made = 0;
    const states = [NODES.map((_, node) => node !== 0), NODES.map((_, node) => node === 1)];
    for (const isUp of states) {
      locator.use(() => {
        made++;
        return placement.live(isUp);
      });
    }
    expect(made).toBe(0);
    for (let i = 0; i < 10; i++) expect(locator.owner(bytes, 0, bytes.length, 1)).toBe(1);
    expect(made).toBe(1);
  });

  test.each([
    ["etsy", 1, 1],
    ["ketama", 1, 1],
    ["farmhash", 10, 0],
  ] as const)(
    "on an %s ring is hashed %d times if it is asked for 10 times, and %d names are cached",
    (kind, hashed, cached) => {
      const placement = new Placement(kind, NODES, loadFingerprint32());
      const position = spyOn(placement, "position");
      const locator = locatorOf(placement, 64);
      const bytes = Buffer.from("app.logins");
      for (let i = 0; i < 10; i++) locator.owner(bytes, 0, bytes.length, 1);
      expect(position).toHaveBeenCalledTimes(hashed);
      expect(locator.namesCached).toBe(cached);
      expect(locator.isHashed).toBe(cached > 0);
    },
  );
});
