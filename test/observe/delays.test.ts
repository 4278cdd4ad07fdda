import { expect, test } from "bun:test";
import { Delays } from "../../src/observe/delays.ts";

test("a delay is from the receipt to the hand-over, the wait in the kernel included", () => {
  const delays = new Delays();
  delays.read(10, 1000, 1);
  delays.read(2, 1004, 1);
  expect(delays.view(1004).count).toBe(0);
  delays.handedOver(1005);
  const { count, sumSeconds } = delays.view(1005);
  expect([count, sumSeconds]).toEqual([2, 0.018]);
  delays.handedOver(2000);
  expect(delays.view(2000).count).toBe(2);
});

test("a wait that is not known is not counted", () => {
  const delays = new Delays();
  delays.read(Number.NaN, 1000, 1);
  delays.handedOver(1000);
  expect(delays.view(1000)).toMatchObject({ count: 0, sumSeconds: 0, p50Seconds: undefined });
});

test("a turn of any length takes no more memory", () => {
  const delays = new Delays();
  for (let i = 0; i < 1000; i++) delays.read(1, 1000, 1);
  delays.handedOver(1000);
  expect(delays.view(1000).count).toBe(128);
});

test("a datagram stands for all that were read with it", () => {
  const delays = new Delays();
  for (let i = 0; i < 99; i++) delays.read(1, 1000, 1);
  delays.handedOver(1000);
  // A read after a halt is full.
  delays.read(500, 1000, 64);
  delays.handedOver(1000);
  const { count, p50Seconds, p99Seconds, sumSeconds } = delays.view(1000);
  expect([count, sumSeconds]).toEqual([163, 0.099 + 32]);
  expect(p50Seconds).toBeLessThan(0.0012);
  expect(p99Seconds).toBeGreaterThan(0.5);
});
