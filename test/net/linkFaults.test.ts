import { describe, expect, test } from "bun:test";
import { LinkFaults, LOG_AGAIN_MS, RECOVERY_MS, REOPEN_INTERVAL_MS } from "../../src/net/linkFaults.ts";

describe("reopening", () => {
  test("the first error reopens at once, the next not within a second", () => {
    const faults = new LinkFaults();
    expect([0, 1, REOPEN_INTERVAL_MS - 1, REOPEN_INTERVAL_MS].map((atMs) => faults.startReopen(atMs))).toEqual([
      true,
      false,
      false,
      true,
    ]);
  });

  test("errors in between postpone nothing", () => {
    const faults = new LinkFaults();
    const opened: number[] = [];
    for (let atMs = 0; atMs < 3 * REOPEN_INTERVAL_MS; atMs += 10) if (faults.startReopen(atMs)) opened.push(atMs);
    expect(opened).toEqual([0, REOPEN_INTERVAL_MS, 2 * REOPEN_INTERVAL_MS]);
  });
});

describe("logging", () => {
  test("each errno once, and again if it still occurs after a minute", () => {
    const faults = new LinkFaults();
    expect(faults.record("ENETUNREACH", 0)).toBe(true);
    expect(faults.record("ENETUNREACH", 1)).toBe(false);
    expect(faults.record("EPERM", 2)).toBe(true);
    expect(faults.record("ENETUNREACH", LOG_AGAIN_MS - 1)).toBe(false);
    expect(faults.record("ENETUNREACH", LOG_AGAIN_MS)).toBe(true);
  });

  test("recovery, once, after five seconds of sending without an error", () => {
    const faults = new LinkFaults();
    expect(faults.isFailing).toBe(false);
    expect(faults.recordSend(0)).toBe(false);
    faults.record("ENETUNREACH", 0);
    faults.recordSend(50);
    faults.record("ENETUNREACH", 100);
    expect(faults.isFailing).toBe(true);
    expect([200, 50 + RECOVERY_MS, 200 + RECOVERY_MS - 1].map((atMs) => faults.recordSend(atMs))).toEqual([
      false,
      false,
      false,
    ]);
    expect(faults.recordSend(200 + RECOVERY_MS)).toBe(true);
    expect(faults.isFailing).toBe(false);
    expect(faults.recordSend(201 + RECOVERY_MS)).toBe(false);
    // The next error is a new one.
    expect(faults.record("ENETUNREACH", 202 + RECOVERY_MS)).toBe(true);
  });

  test("no recovery when little is sent, and each send fails later", () => {
    const faults = new LinkFaults();
    const told: string[] = [];
    for (let atMs = 0; atMs < LOG_AGAIN_MS; atMs += 2 * RECOVERY_MS) {
      if (faults.recordSend(atMs)) told.push("recovered");
      if (faults.record("EHOSTUNREACH", atMs + 3000)) told.push("error");
    }
    expect(told).toEqual(["error"]);
  });
});
