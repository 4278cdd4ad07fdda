import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { DELAY_BOUNDS, DELAY_WINDOW_MS, DelayHistogram } from "../../src/observe/delayHistogram.ts";

/** A delay, and how long after the one before it was measured. */
const measured = fc.record({
  ms: fc.oneof(
    fc.double({ min: 0, max: 60_000, noNaN: true }),
    fc.double({ min: 0, max: 20, noNaN: true }),
    fc.constantFrom(0, 0.001, ...DELAY_BOUNDS.map((bound) => 1000 * bound)),
  ),
  afterMs: fc.oneof(fc.integer({ min: 0, max: 100 }), fc.integer({ min: 0, max: 200_000 })),
});
const ROW_MS = 5000;

describe("a histogram of delays", () => {
  test("counts as one that remembers each delay", () => {
    fc.assert(
      fc.property(fc.array(measured, { maxLength: 200 }), fc.integer({ min: 0, max: 100_000 }), (all, laterMs) => {
        const histogram = new DelayHistogram();
        const known: { ms: number; atMs: number }[] = [];
        let nowMs = 123_456;
        for (const { ms, afterMs } of all) {
          nowMs += afterMs;
          histogram.record(ms, nowMs, 1);
          known.push({ ms, atMs: nowMs });
        }
        nowMs += laterMs;
        const view = histogram.view(nowMs);
        expect(view.count).toBe(all.length);
        expect(view.sumSeconds).toBeCloseTo(known.reduce((sum, { ms }) => sum + ms, 0) / 1000, 6);
        expect(view.counts).toEqual(DELAY_BOUNDS.map((bound) => known.filter(({ ms }) => ms <= 1000 * bound).length));
        // The window begins with a row of five seconds.
        const beginsMs = (Math.floor(nowMs / ROW_MS) + 1) * ROW_MS - DELAY_WINDOW_MS;
        const recent = known.filter(({ atMs }) => atMs >= beginsMs).map(({ ms }) => ms);
        expectQuantile(view.p50Seconds, recent, 0.5);
        expectQuantile(view.p99Seconds, recent, 0.99);
      }),
    );
  });

  test("tells no quantiles a minute after the last delay, and then those of new ones alone", () => {
    const histogram = new DelayHistogram();
    histogram.record(50, 0, 1);
    expect(histogram.view(59_999).p99Seconds).toBeCloseTo(0.05, 2);
    expect(histogram.view(60_000)).toMatchObject({ p50Seconds: undefined, p99Seconds: undefined, count: 1 });
    histogram.record(1, 60_000, 1);
    expect(histogram.view(60_000).p99Seconds).toBeCloseTo(0.001, 3);
  });
});

/** At least the delay of that rank, and at most a tenth more. */
function expectQuantile(seconds: number | undefined, delaysMs: readonly number[], part: number): void {
  if (delaysMs.length === 0) {
    expect(seconds).toBeUndefined();
    return;
  }
  const sorted = delaysMs.toSorted((one, other) => one - other);
  const exact = Math.max(0.001, sorted[Math.ceil(part * sorted.length) - 1]) / 1000;
  // Rounded to three digits.
  expect(seconds).toBeGreaterThanOrEqual(exact * 0.995);
  expect(seconds).toBeLessThanOrEqual(exact * 1.1);
}
