import { expect, test } from "bun:test";
import fc from "fast-check";
import { AGE_MS_MAX, ReceiveAge } from "../../src/net/receiveAge.ts";

/** The wall clock when the monotonic one began. */
const EPOCH_MS = 1_700_000_000_000;

test("is the time since the datagram was received", () => {
  const age = new ReceiveAge();
  expect(age.ageMs(EPOCH_MS + 995, EPOCH_MS + 1000, 1000)).toBe(5);
  expect(age.ageMs(EPOCH_MS + 90_000, EPOCH_MS + 90_000.25, 90_000.25)).toBe(0.25);
});

test("is never negative, and never more than a minute", () => {
  expect(new ReceiveAge().ageMs(EPOCH_MS + 1, EPOCH_MS, 0)).toBe(0);
  expect(new ReceiveAge().ageMs(EPOCH_MS, EPOCH_MS + 3_600_000, 3_600_000)).toBe(AGE_MS_MAX);
});

test.each([3_600_000, -3_600_000, 150, -150])(
  "is not known while the wall clock has just been set by %d ms",
  (step) => {
    const age = new ReceiveAge();
    expect(age.ageMs(EPOCH_MS + 995, EPOCH_MS + 1000, 1000)).toBe(5);
    // Received before, read after.
    expect(age.ageMs(EPOCH_MS + 1995, EPOCH_MS + step + 2000, 2000)).toBeNaN();
    expect(age.ageMs(EPOCH_MS + 1996, EPOCH_MS + step + 2999, 2999)).toBeNaN();
    expect(age.ageMs(EPOCH_MS + step + 2995, EPOCH_MS + step + 3000, 3000)).toBe(5);
  },
);

test("is right or not known, whenever the wall clock is set, if nothing waits for more than a second", () => {
  const moment = fc.record({
    passedMs: fc.integer({ min: 0, max: 5000 }),
    waitedMs: fc.integer({ min: 0, max: 1000 }),
    stepMs: fc.oneof(fc.constant(0), fc.integer({ min: 200, max: 1e9 }), fc.integer({ min: -1e9, max: -200 })),
  });
  fc.assert(
    fc.property(fc.array(moment, { maxLength: 30 }), (moments) => {
      const age = new ReceiveAge();
      let nowMs = 0;
      let offsetMs = EPOCH_MS;
      let setAtMs = Number.NEGATIVE_INFINITY;
      age.ageMs(offsetMs, offsetMs, 0);
      for (const { passedMs, waitedMs, stepMs } of moments) {
        const offsetBefore = offsetMs;
        nowMs += passedMs;
        offsetMs += stepMs;
        if (stepMs !== 0) setAtMs = nowMs;
        const receivedMs = nowMs - waitedMs;
        const received = receivedMs + (receivedMs < setAtMs ? offsetBefore : offsetMs);
        const found = age.ageMs(received, nowMs + offsetMs, nowMs);
        if (nowMs < setAtMs + 1000) expect(found).toBeNaN();
        else expect(found).toBe(waitedMs);
      }
    }),
  );
});
