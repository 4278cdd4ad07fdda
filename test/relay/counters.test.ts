import { expect, test } from "bun:test";
import { NodeCounters } from "../../src/relay/counters.ts";

/** Every number in an object, by its path. */
function numbersOf(value: object, path = ""): Record<string, number> {
  return Object.fromEntries(
    Object.entries(value).flatMap(([name, inner]) =>
      typeof inner === "number" ? [[path + name, inner]] : Object.entries(numbersOf(inner, `${path}${name}.`)),
    ),
  );
}

/** Counters that all differ. */
function filled(first: number): NodeCounters {
  let next = first;
  const fill = (counters: Record<string, unknown>) => {
    for (const [name, value] of Object.entries(counters)) {
      if (typeof value === "number") counters[name] = next++;
      else fill(value as Record<string, unknown>);
    }
  };
  const counters = new NodeCounters();
  fill(counters as unknown as Record<string, unknown>);
  return counters;
}

test("add includes every counter of a node", () => {
  const sum = filled(1);
  sum.add(filled(1001));
  const added = numbersOf(filled(1001));
  const expected = Object.entries(numbersOf(filled(1))).map(([name, count]) => [name, count + added[name]]);
  expect(expected.length).toBeGreaterThan(10);
  expect(numbersOf(sum)).toEqual(Object.fromEntries(expected));
});
