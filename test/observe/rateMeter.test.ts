import { expect, test } from "bun:test";
import { RateMeter } from "../../src/observe/rateMeter.ts";

test("a rate is unknown at first, and then that of the last ten seconds", () => {
  const meter = new RateMeter();
  expect(meter.perSecond).toBeUndefined();
  meter.record(0, 0);
  expect(meter.perSecond).toBeUndefined();
  meter.record(1000, 100);
  expect(meter.perSecond).toBe(100);
  for (let second = 2; second <= 11; second++) meter.record(second * 1000, 150);
  expect(meter.perSecond).toBe(5);
  meter.record(12_000, 150);
  expect(meter.perSecond).toBe(0);
});

test("a rate has three digits behind the point", () => {
  const meter = new RateMeter();
  meter.record(0, 0);
  meter.record(3000, 1);
  expect(meter.perSecond).toBe(0.333);
});
