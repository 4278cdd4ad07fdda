import { describe, expect, test } from "bun:test";
import { type SharedTimer, SharedTimers } from "../../src/system/sharedTimers.ts";
import { ManualClock } from "../support/clocks.ts";

function setUp() {
  const clock = new ManualClock();
  const timers = new SharedTimers(clock);
  const fired: string[] = [];
  const note = (what: string) => () => void fired.push(`${what} ${clock.nowMs()}`);
  return { clock, timers, fired, note };
}

describe("timers of half a second and longer", () => {
  test("fire with one that is due up to a tenth earlier, and are told when that was", () => {
    const { clock, timers, fired } = setUp();
    for (const ms of [600, 610, 640, 800]) timers.setTimeout((dueMs) => void fired.push(`${ms} ${dueMs}`), ms);
    clock.advance(2000);
    expect(fired).toEqual(["600 600", "610 600", "640 600", "800 800"]);
    expect(clock.timersLeft).toBe(0);
  });

  test("fire no earlier than that, and never late for another's sake", () => {
    const { clock, timers, fired, note } = setUp();
    for (const ms of [700, 500, 790]) timers.setTimeout(note(`${ms}`), ms);
    clock.advance(2000);
    expect(fired).toEqual(["500 500", "700 700", "790 790"]);
  });

  test("that are late are told when they were due", () => {
    const { clock, timers, fired } = setUp();
    timers.setTimeout((dueMs) => void fired.push(`${dueMs} at ${clock.nowMs()}`), 600);
    clock.pass(900);
    clock.advance(0);
    expect(fired).toEqual(["600 at 900"]);
  });

  test("that are repeated fire again and again, together", () => {
    const { clock, timers, fired, note } = setUp();
    const first = timers.setInterval(note("first"), 500);
    const second = timers.setInterval(note("second"), 510);
    clock.advance(1500);
    expect(fired).toEqual(["first 500", "second 500", "first 1000", "second 1000", "first 1500", "second 1500"]);
    timers.cancel(first);
    clock.advance(510);
    timers.cancel(second);
    expect(clock.timersLeft).toBe(0);
    clock.advance(2000);
    expect(fired.slice(6)).toEqual(["second 2000"]);
  });

  test("do not fire after they were cancelled, not even by one that fires with them", () => {
    const { clock, timers, fired, note } = setUp();
    const others: SharedTimer[] = [];
    timers.setTimeout(() => {
      note("first")();
      for (const timer of others) timers.cancel(timer);
    }, 600);
    others.push(timers.setTimeout(note("second"), 600), timers.setInterval(note("repeated"), 600));
    timers.cancel(timers.setTimeout(note("cancelled"), 600));
    clock.advance(3000);
    expect(fired).toEqual(["first 600"]);
    expect(clock.timersLeft).toBe(0);
  });

  test("fire, too, after another that they could have joined was cancelled; nothing stays of either", () => {
    const { clock, timers, fired, note } = setUp();
    timers.cancel(timers.setTimeout(note("cancelled"), 600));
    timers.setTimeout(note("after it"), 610);
    clock.advance(3000);
    expect(fired).toEqual(["after it 610"]);
    // Or the next would look through ever more of them.
    expect(timers).toHaveProperty("slots", new Set());
  });

  test("that are repeated do not drift by being late", () => {
    const { clock, timers, fired, note } = setUp();
    const timer = timers.setInterval(note("repeated"), 500);
    clock.pass(530);
    clock.advance(970);
    timers.cancel(timer);
    expect(fired).toEqual(["repeated 530", "repeated 1000", "repeated 1500"]);
  });

  test("may cancel themselves, and be cancelled twice", () => {
    const { clock, timers, fired, note } = setUp();
    const timer = timers.setInterval(() => {
      note("fired")();
      timers.cancel(timer);
      timers.cancel(timer);
    }, 600);
    clock.advance(3000);
    expect(fired).toEqual(["fired 600"]);
  });

  test("fire, too, when one of them throws; and that is thrown", () => {
    const { clock, timers, fired, note } = setUp();
    timers.setTimeout(() => {
      throw new Error("thrown");
    }, 500);
    timers.setTimeout(note("fired"), 500);
    expect(() => clock.advance(500)).toThrow("thrown");
    expect(fired).toEqual(["fired 500"]);
  });
});

test("shorter ones are kept to the millisecond", () => {
  const { clock, timers, fired, note } = setUp();
  for (const ms of [490, 499]) timers.setTimeout(note(`${ms}`), ms);
  const repeated = timers.setInterval(note("repeated"), 200);
  clock.advance(700);
  timers.cancel(repeated);
  clock.advance(700);
  expect(fired).toEqual(["repeated 200", "repeated 400", "490 490", "499 499", "repeated 600"]);
});
