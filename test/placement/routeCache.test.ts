import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { MISS, RouteCache } from "../../src/placement/routeCache.ts";

/** Hashes of names, from good to useless. */
const HASHES: Readonly<Record<string, (name: string) => number>> = {
  good: (name) => Number(Bun.hash.xxHash32(name)) | 0,
  "few values": (name) => (Number(Bun.hash.xxHash32(name)) | 0) % 3,
  "one value": () => -1,
  "neighbouring values": (name) => 2 ** 31 - 1 - (name.length % 4),
};

const name = fc.oneof(
  fc.constantFrom("a", "b", "aa", "ab", "ba", "a\0", "\0a", "app.logins", "app.logouts"),
  fc.string({ minLength: 1, maxLength: 12 }),
  fc.integer({ min: 60, max: 70 }).map((length) => "n".repeat(length)),
  fc.constantFrom(1023, 1024, 1025, 5000).map((length) => "l".repeat(length)),
);

describe.each(Object.keys(HASHES))("with hashes: %s", (quality) => {
  const hashOf = HASHES[quality];

  test("a cached name has the owner that it was cached with, and there are never more than namesMax", () => {
    const step = fc.oneof(
      { weight: 20, arbitrary: fc.record({ name, owner: fc.nat({ max: 0xffff }) }) },
      { weight: 1, arbitrary: fc.constant("clear" as const) },
    );
    fc.assert(
      fc.property(
        fc.constantFrom(0, 1, 2, 5, 64),
        fc.array(step, { maxLength: 120, size: "max" }),
        (namesMax, steps) => {
          const cache = new RouteCache(namesMax);
          const model = new Map<string, number>();
          for (const step of steps) {
            if (step === "clear") {
              cache.clear();
              model.clear();
              expect(cache.size).toBe(0);
            } else if (lookup(cache, step.name, hashOf) === MISS) {
              insert(cache, step.name, hashOf, step.owner);
              model.set(step.name, step.owner);
            }
            expect(cache.size).toBeLessThanOrEqual(namesMax);
            for (const [name, owner] of model) expect([MISS, owner]).toContain(lookup(cache, name, hashOf));
          }
        },
      ),
    );
  });

  test("says how many names it has, which are never more than there were", () => {
    const cache = new RouteCache(10_000);
    for (let i = 1; i <= 5000; i++) {
      insert(cache, `name${i}`, hashOf, i);
      expect(cache.size).toBeLessThanOrEqual(i);
    }
  });

  test("a name that was just cached is found, however many came before", () => {
    const cache = new RouteCache(16);
    for (let i = 0; i < 1000; i++) {
      insert(cache, `name${i}`, hashOf, i);
      expect(lookup(cache, `name${i}`, hashOf)).toBe(i);
    }
  });
});

test("a cache of size 0 holds nothing", () => {
  const cache = new RouteCache(0);
  insert(cache, "foo", HASHES.good, 1);
  expect(lookup(cache, "foo", HASHES.good)).toBe(MISS);
  expect(cache.size).toBe(0);
});

test("a cache of size 1 holds the last name", () => {
  const cache = new RouteCache(1);
  for (const [owner, name] of ["foo", "bar", "foo"].entries()) {
    insert(cache, name, HASHES.good, owner);
    expect(lookup(cache, name, HASHES.good)).toBe(owner);
    expect(cache.size).toBe(1);
  }
  expect(lookup(cache, "bar", HASHES.good)).toBe(MISS);
});

test("nearly all names are found if there are as many as the cache may hold", () => {
  const cache = new RouteCache(1000);
  const names = Array.from({ length: 1000 }, (_, i) => `app.${i}.requests`);
  for (const [owner, name] of names.entries()) insert(cache, name, HASHES.good, owner);
  expect(names.filter((name) => lookup(cache, name, HASHES.good) !== MISS).length).toBeGreaterThan(980);
});

test.each(["good", "few values", "one value"])(
  "size is the number of names that are found, with hashes: %s",
  (quality) => {
    const cache = new RouteCache(64);
    const names = Array.from({ length: 200 }, (_, i) => `name${i}`);
    for (const [owner, name] of names.entries()) {
      insert(cache, name, HASHES[quality], owner);
      const found = names.filter((name) => lookup(cache, name, HASHES[quality]) !== MISS);
      expect(cache.size).toBe(found.length);
    }
  },
);

test("of colliding names no more are cached than are probed", () => {
  const cache = new RouteCache(1000);
  for (let i = 0; i < 200; i++) insert(cache, `name${i}`, HASHES["one value"], i);
  expect(cache.size).toBe(16);
});

test("names of up to 1024 bytes are cached; longer ones are not, and evict nothing", () => {
  const cache = new RouteCache(64);
  for (const length of [1, 64, 1023, 1024]) insert(cache, "x".repeat(length), HASHES.good, length);
  for (const length of [1025, 65_000]) insert(cache, "x".repeat(length), HASHES.good, length);
  for (const length of [1, 64, 1023, 1024]) expect(lookup(cache, "x".repeat(length), HASHES.good)).toBe(length);
  for (const length of [1025, 65_000]) expect(lookup(cache, "x".repeat(length), HASHES.good)).toBe(MISS);
  expect(cache.size).toBe(4);
});

test("many long names are cached as far as there is room", () => {
  const cache = new RouteCache(32);
  for (let i = 0; i < 200; i++) {
    const name = `${i}`.padEnd(1000, "x");
    insert(cache, name, HASHES.good, i);
    expect(lookup(cache, name, HASHES.good)).toBe(i);
    expect(cache.size).toBeLessThanOrEqual(2);
  }
});

test("names with the same hash are distinguished by every byte, and by their length", () => {
  const cache = new RouteCache(64);
  const names = ["abcd", "abce", "xbcd", "abc", "abcde", "abcd\0"];
  for (const [owner, name] of names.entries()) insert(cache, name, HASHES["one value"], owner);
  for (const [owner, name] of names.entries()) expect(lookup(cache, name, HASHES["one value"])).toBe(owner);
  expect(lookup(cache, "abcf", HASHES["one value"])).toBe(MISS);
});

/** The name as it stands in a datagram, with bytes around it that are not its own. */
function lookup(cache: RouteCache, name: string, hashOf: (name: string) => number): number {
  const bytes = Buffer.from(`xx${name}:1|c`, "utf8");
  return cache.lookup(bytes, 2, bytes.length - 4, hashOf(name));
}

function insert(cache: RouteCache, name: string, hashOf: (name: string) => number, owner: number): void {
  const bytes = Buffer.from(`${name}:1|c`, "utf8");
  cache.insert(bytes, 0, bytes.length - 4, hashOf(name), owner);
}
