import { describe, expect, test } from "bun:test";
import { nearestTo, suggestion } from "../../src/text/nearest.ts";

const WORDS = ["stats", "status", "reload", "tap", "top", "ping", "health"];

test.each([
  ["stat", "stats"],
  ["tpo", "top"],
  ["relaod", "reload"],
  ["RELOAD!", "reload"],
  ["xhealthx", "health"],
])("%j is nearest to %j", (word, nearest) => expect(nearestTo(word, WORDS)).toBe(nearest));

describe("a suggestion", () => {
  test.each([
    ["tpo", "top"],
    ["pign", "ping"],
    ["pin", "ping"],
    ["PINGG", "ping"],
    ["reloadd", "reload"],
    ["helth", "health"],
  ])("for %j is %j", (word, meant) => expect(suggestion(word, WORDS)).toBe(` (did you mean ${meant}?)`));

  test.each(["", "x", "t", "xy", "hello!", "GET", "toString", `ping${" ".repeat(17)}`])(
    "for %j there is none",
    (word) => expect(suggestion(word, WORDS)).toBe(""),
  );
});
