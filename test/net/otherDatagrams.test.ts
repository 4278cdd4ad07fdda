import { expect, test } from "bun:test";
import { OtherDatagrams, TURN_MS } from "../../src/net/otherDatagrams.ts";
import { ManualClock } from "../support/clocks.ts";

test("as many refusals are theirs as there were datagrams", () => {
  const others = new OtherDatagrams(new ManualClock());
  expect(others.refused()).toBe(false);
  others.expect(1);
  others.expect(2);
  expect([1, 2, 3, 4].map(() => others.refused())).toEqual([true, true, true, false]);
});

test("a refusal is theirs for a while, and not for ever; then no timer is left", () => {
  const clock = new ManualClock();
  const others = new OtherDatagrams(clock);
  others.expect(2);
  clock.advance(2 * TURN_MS - 1);
  expect(others.refused()).toBe(true);
  clock.advance(1);
  expect(others.refused()).toBe(false);
  expect(clock.timersLeft).toBe(0);
});

test("a refusal may take seconds", () => {
  const clock = new ManualClock();
  const others = new OtherDatagrams(clock);
  others.expect(1);
  clock.advance(4900);
  expect(others.refused()).toBe(true);
});

test("a refusal that waited while the process stood still is theirs", () => {
  const manual = new ManualClock();
  const immediates: (() => void)[] = [];
  const others = new OtherDatagrams({ ...manual, setImmediate: (run) => void immediates.push(run) });
  others.expect(1);
  manual.advance(TURN_MS);
  while (immediates.length > 0) immediates.shift()?.();
  // The timer fires before the loop has read anything.
  manual.advance(10 * TURN_MS);
  immediates.shift()?.();
  expect([others.refused(), others.refused()]).toEqual([true, false]);
});

test("a refusal answers the one that was sent first", () => {
  const clock = new ManualClock();
  const others = new OtherDatagrams(clock);
  others.expect(1);
  clock.advance(TURN_MS);
  others.expect(1);
  expect(others.refused()).toBe(true);
  clock.advance(TURN_MS);
  expect([others.refused(), others.refused()]).toEqual([true, false]);
});

test("closed, it waits for nothing", () => {
  const clock = new ManualClock();
  const others = new OtherDatagrams(clock);
  others.expect(1);
  others.close();
  expect([others.refused(), clock.timersLeft]).toEqual([false, 0]);
});
