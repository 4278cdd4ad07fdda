import { expect, test } from "bun:test";
import { meanRate } from "../../src/page/meanRate.ts";

test("each rate counts for the time that it is of", () => {
  expect(meanRate([1, 2, 3], [6, 0, 3])).toBe(3);
  // Halted for eleven seconds, in which 4,400 were lost.
  expect(meanRate([1, 2, 13], [0, 0, 400])).toBeCloseTo(4400 / 13, 9);
  expect(meanRate([1, 2, 13, 14], [7, 7, 400, 0], 2)).toBeCloseTo(4400 / 12, 9);
});

test("one sample is its own mean, and none is nothing", () => {
  expect(meanRate([5], [8])).toBe(8);
  expect(meanRate([], [])).toBe(0);
});
