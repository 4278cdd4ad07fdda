import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { History, SAMPLES_MAX, type Totals } from "../../src/observe/history.ts";

const NOTHING: Totals = { received: 0, relayed: 0, rejected: 0, dropped: 0, kernel_drops: 0 };

describe("rates", () => {
  test("are what was counted between two samples, for a second", () => {
    const history = new History();
    history.record(1000, 0, 0, NOTHING);
    expect(history.since(0)).toMatchObject({ first: 0, next: 0, timesMs: [] });
    history.record(2000, 1000, 0, { ...NOTHING, received: 10, rejected: 1 });
    history.record(4000, 3000, 0, { ...NOTHING, received: 50, rejected: 1, kernel_drops: 3 });
    expect(history.since(0)).toEqual({
      first: 0,
      next: 2,
      timesMs: [2000, 4000],
      rates: { received: [10, 20], relayed: [0, 0], rejected: [1, 0], dropped: [0, 0], kernel_drops: [0, 1.5] },
    });
  });

  test("do not mind that the wall clock is set back", () => {
    const history = new History();
    history.record(10_000, 0, 0, NOTHING);
    history.record(5_000, 1000, 0, { ...NOTHING, relayed: 7 });
    expect(history.since(0).rates.relayed).toEqual([7]);
  });

  test("are remembered for a quarter of an hour, in order, and no longer", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2.5 * SAMPLES_MAX }), fc.nat({ max: 3 * SAMPLES_MAX }), (count, from) => {
        const history = new History();
        for (let i = 0; i <= count; i++) {
          // In second i there are i lines.
          history.record(i, i * 1000, 0, { ...NOTHING, received: (i * (i + 1)) / 2 });
        }
        const { first, next, timesMs, rates } = history.since(from);
        expect(next).toBe(count);
        expect(first).toBe(Math.min(count, Math.max(from, count - SAMPLES_MAX, 0)));
        const expected = Array.from({ length: count - first }, (_, i) => first + i + 1);
        expect(rates.received).toEqual(expected);
        expect(timesMs).toEqual(expected);
      }),
      { numRuns: 20 },
    );
  });
});

test("the lag is that of the last sample, and the worst of the last minute", () => {
  const history = new History();
  expect(history.lag).toEqual({ lastSeconds: 0, maxSeconds: 0 });
  history.record(0, 0, 0, NOTHING);
  history.record(0, 1, 500, NOTHING);
  for (let i = 2; i < 61; i++) history.record(0, i, 2, NOTHING);
  expect(history.lag).toEqual({ lastSeconds: 0.002, maxSeconds: 0.5 });
  history.record(0, 61, 1, NOTHING);
  expect(history.lag).toEqual({ lastSeconds: 0.001, maxSeconds: 0.002 });
});
