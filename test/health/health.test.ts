import { describe, expect, test } from "bun:test";
import { afterCheck, type Health, STARTS_UP } from "../../src/health/health.ts";

/** `.` is a check that passes, `x` one that fails; below, `U` is up after it, `d` down. */
describe("with fall and rise", () => {
  test.each([
    [1, 1, "..x..x", "UUdUUd"],
    [2, 1, "x.x.x.", "UUUUUU"],
    [2, 1, "xx.xx.", "UdUUdU"],
    [2, 1, ".xxx..", "UUddUU"],
    [3, 1, "xx.xxx", "UUUUUd"],
    [1, 3, "x..x...", "ddddddU"],
    [2, 2, "xxx.x..", "UdddddU"],
    [3, 2, "xxx.x.x..x", "UUddddddUU"],
  ])("%d and %d the checks %s make it %s", (fall, rise, checks, states) => {
    let health = STARTS_UP;
    let seen = "";
    for (const check of checks) {
      health = afterCheck(health, check === ".", { fall, rise });
      seen += health.isUp ? "U" : "d";
    }
    expect(seen).toBe(states);
  });
});

test("a node starts as up", () => {
  expect(STARTS_UP.isUp).toBe(true);
});

test("with new rules the checks in a row so far still count", () => {
  const once: Health = afterCheck(STARTS_UP, false, { fall: 5, rise: 1 });
  expect(afterCheck(once, false, { fall: 2, rise: 1 }).isUp).toBe(false);
});
