import { expect, test } from "bun:test";
import { memoizeLast } from "../../src/placement/memoizeLast.ts";

test("is made once per argument in a row, and again for another", () => {
  let made = 0;
  const sizeOf = memoizeLast((names: readonly string[]) => {
    made++;
    return names.length;
  });
  const two = ["a", "b"];
  const three = ["a", "b", "c"];
  expect([sizeOf(two), sizeOf(two), sizeOf(three), sizeOf(three), sizeOf(two)]).toEqual([2, 2, 3, 3, 2]);
  expect(made).toBe(3);
});
