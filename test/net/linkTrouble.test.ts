import { describe, expect, test } from "bun:test";
import { LinkTrouble, OVER_MS, REOPEN_MS, SAID_AGAIN_MS } from "../../src/net/linkTrouble.ts";

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

  test("that it is over, once, when things are sent for five seconds without an error", () => {
    const trouble = new LinkTrouble();
    expect(trouble.isOn).toBe(false);
    expect(trouble.sent(0)).toBe(false);
    trouble.error("ENETUNREACH", 0);
    trouble.sent(50);
    trouble.error("ENETUNREACH", 100);
    expect(trouble.isOn).toBe(true);
    expect([200, 50 + OVER_MS, 200 + OVER_MS - 1].map((atMs) => trouble.sent(atMs))).toEqual([false, false, false]);
    expect(trouble.sent(200 + OVER_MS)).toBe(true);
    expect(trouble.isOn).toBe(false);
    expect(trouble.sent(201 + OVER_MS)).toBe(false);
    // The next is a new one.
    expect(trouble.error("ENETUNREACH", 202 + OVER_MS)).toBe(true);
  });

  test("not that it is over when little is sent, and each of it fails later", () => {
    const trouble = new LinkTrouble();
    const told: string[] = [];
    for (let atMs = 0; atMs < SAID_AGAIN_MS; atMs += 2 * OVER_MS) {
      if (trouble.sent(atMs)) told.push("over");
      if (trouble.error("EHOSTUNREACH", atMs + 3000)) told.push("error");
    }
    expect(told).toEqual(["error"]);
  });
});
