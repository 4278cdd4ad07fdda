import { describe, expect, test } from "bun:test";
import { LinkTrouble, OVER_MS, REOPEN_MS, SAID_AGAIN_MS } from "../../src/core/linkTrouble.ts";

describe("opening anew", () => {
  test("the first error opens at once, the next not before a second has passed", () => {
    const trouble = new LinkTrouble();
    expect([0, 1, REOPEN_MS - 1, REOPEN_MS].map((atMs) => trouble.reopens(atMs))).toEqual([true, false, false, true]);
  });

  test("errors in between push nothing back", () => {
    const trouble = new LinkTrouble();
    const opened: number[] = [];
    for (let atMs = 0; atMs < 3 * REOPEN_MS; atMs += 10) if (trouble.reopens(atMs)) opened.push(atMs);
    expect(opened).toEqual([0, REOPEN_MS, 2 * REOPEN_MS]);
  });
});

describe("what is said", () => {
  test("each errno once, and again when it still comes after a minute", () => {
    const trouble = new LinkTrouble();
    expect(trouble.error("ENETUNREACH", 0)).toBe(true);
    expect(trouble.error("ENETUNREACH", 1)).toBe(false);
    expect(trouble.error("EPERM", 2)).toBe(true);
    expect(trouble.error("ENETUNREACH", SAID_AGAIN_MS - 1)).toBe(false);
    expect(trouble.error("ENETUNREACH", SAID_AGAIN_MS)).toBe(true);
  });

  test("that it is over, once, when for five seconds there was no error and something is sent", () => {
    const trouble = new LinkTrouble();
    expect(trouble.isOn).toBe(false);
    expect(trouble.sent(0)).toBe(false);
    trouble.error("ENETUNREACH", 0);
    trouble.error("ENETUNREACH", 100);
    expect(trouble.isOn).toBe(true);
    expect(trouble.sent(OVER_MS)).toBe(false);
    expect(trouble.sent(100 + OVER_MS)).toBe(true);
    expect(trouble.isOn).toBe(false);
    expect(trouble.sent(101 + OVER_MS)).toBe(false);
    // The next is a new one.
    expect(trouble.error("ENETUNREACH", 102 + OVER_MS)).toBe(true);
  });
});
