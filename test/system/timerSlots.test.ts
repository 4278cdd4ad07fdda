import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { isSharedDelay, nextDueMs, slotFor } from "../../src/system/timerSlots.ts";

const slot = (atMs: number, size = 1) => ({ atMs, timers: { size } });
const FULL = 16;

describe("a slot for a timer", () => {
  test("is the last of those in the tenth before it is due", () => {
    const slots = [899, 950, 999, 1000.5, 920].map((atMs) => slot(atMs));
    expect(slotFor(slots, 1000, 0, 1000)?.atMs).toBe(999);
    expect(slotFor(slots.reverse(), 1000, 0, 1000)?.atMs).toBe(999);
    expect(slotFor([slot(899), slot(1001)], 1000, 0, 1000)).toBeUndefined();
    expect(slotFor([slot(900)], 1000, 0, 1000)?.atMs).toBe(900);
    expect(slotFor([slot(1000)], 1000, 0, 1000)?.atMs).toBe(1000);
    // It is due a tenth early by now.
    expect(slotFor([slot(1899)], 1900, 1000, 1000)).toBeUndefined();
    expect(slotFor([slot(1900)], 1900, 1000, 1000)?.atMs).toBe(1900);
  });

  test("is not one that is full", () => {
    const slots = [slot(960, FULL - 1), slot(980, FULL), slot(990, FULL + 1)];
    expect(slotFor(slots, 1000, 0, 1000)?.atMs).toBe(960);
  });

  test("is never late, and never earlier than a tenth, from now on", () => {
    const ms = fc.double({ min: 0, max: 5000, noNaN: true });
    fc.assert(
      fc.property(
        fc.array(ms),
        ms,
        fc.double({ min: 500, max: 3000, noNaN: true }),
        ms,
        (times, nowMs, everyMs, ago) => {
          const dueMs = nextDueMs(nowMs - ago, nowMs, everyMs);
          const found = slotFor(
            times.map((atMs) => slot(nowMs + atMs)),
            dueMs,
            nowMs,
            everyMs,
          );
          expect(dueMs).toBeGreaterThanOrEqual(nowMs + 0.9 * everyMs - 1e-6);
          if (found === undefined) return;
          expect(found.atMs).toBeLessThanOrEqual(dueMs);
          expect(found.atMs).toBeGreaterThanOrEqual(nowMs + 0.9 * everyMs - 1e-6);
        },
      ),
    );
  });
});

test("a timer that is repeated does not drift, and makes up for no stand-still", () => {
  expect(nextDueMs(5000, 5003, 1000)).toBe(6000);
  expect(nextDueMs(5000, 5100, 1000)).toBe(6000);
  expect(nextDueMs(5000, 9000, 1000)).toBe(9900);
});

test("half a second and more is shared", () => {
  expect([499.9, 500, 1e6].map(isSharedDelay)).toEqual([false, true, true]);
});
