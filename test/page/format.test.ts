import { describe, expect, test } from "bun:test";
import { clockText, countText, durationText, millisecondsText, numberText } from "../../src/page/format.ts";

test.each([
  [0, "0"],
  [0.04, "< 0.1"],
  [0.25, "0.3"],
  [2, "2"],
  [9.96, "10"],
  [12.5, "13"],
  [4321.6, "4,322"],
  [123_456, "123.5K"],
  [2_000_000, "2M"],
])("a rate of %d reads %s", (value, text) => {
  expect(numberText(value)).toBe(text);
});

test.each([
  [0, "0"],
  [1_234_567, "1,234,567"],
  [123_456_789, "123.5M"],
])("a count of %d reads %s", (value, text) => {
  expect(countText(value)).toBe(text);
});

test.each([
  [-1, "0 s"],
  [0.9, "0 s"],
  [59.9, "59 s"],
  [60, "1 min"],
  [3599, "59 min"],
  [3600, "1 h 0 min"],
  [90_000, "1 d 1 h"],
])("%d seconds read %s", (seconds, text) => {
  expect(durationText(seconds)).toBe(text);
});

test.each([
  [0, "0.0 ms"],
  [0.26, "0.3 ms"],
  [12.4, "12 ms"],
  [5000, "5,000 ms"],
])("%d milliseconds read %s", (ms, text) => {
  expect(millisecondsText(ms)).toBe(text);
});

describe("a moment", () => {
  const noon = Date.UTC(2026, 1, 3, 12, 5, 9);

  test("of today reads as a time", () => {
    expect(clockText(noon, noon + 3600_000)).toBe("12:05:09 UTC");
  });

  test("of another day has its date", () => {
    expect(clockText(noon, noon + 24 * 3600_000)).toBe("3 Feb 12:05:09 UTC");
  });
});
