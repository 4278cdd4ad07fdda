import { beforeEach, expect, test } from "bun:test";
import { AnswerScheduler, type Requester } from "../../src/server/answerScheduler.ts";
import { BURST_MS, SHARE } from "../../src/server/fairShare.ts";
import { systemClock } from "../../src/system/clock.io.ts";
import type { Clock } from "../../src/system/clock.ts";

/** What a step takes, on a clock that stands still otherwise. */
const STEP_MS = 0.5;

let nowMs = 0;
/** Timers that wait, which fire when a test says so. */
let timers: { fire: () => void; ms: number }[] = [];
/** Who was served, in order. */
let served: string[] = [];

const clock: Clock = {
  ...systemClock,
  nowMs: () => nowMs,
  // As where the system does not tell.
  processorMs: undefined,
  setTimeout: (fire, ms) => {
    const timer = { fire, ms };
    timers.push(timer);
    return timer;
  },
};

beforeEach(() => {
  [nowMs, timers, served] = [0, [], []];
});

/** Somebody with so many steps to do. */
function requester(name: string, steps = Number.POSITIVE_INFINITY): Requester {
  let left = steps;
  return {
    account: { debtMs: 0, atMs: 0 },
    serve: () => {
      served.push(name);
      nowMs += STEP_MS;
      return --left > 0;
    },
  };
}

/** The event loop comes round once; returns how many steps were done. */
async function turn(): Promise<number> {
  const before = served.length;
  await new Promise<void>((resolve) => setImmediate(resolve));
  return served.length - before;
}

test("one who never stops is served for two milliseconds at a go, and a fifth of the time", async () => {
  const scheduler = new AnswerScheduler(clock, () => {});
  scheduler.ask(requester("a"));
  while (timers.length === 0) expect(await turn()).toBeLessThanOrEqual(2 / STEP_MS);
  // What may be used at once, and what came in on top of it meanwhile.
  expect(served.length * STEP_MS).toBeCloseTo(BURST_MS / (1 - SHARE), 0);
  const before = { served: served.length, nowMs };
  for (let i = 0; i < 100; i++) {
    expect(timers).toHaveLength(1);
    const [{ fire, ms }] = timers.splice(0);
    nowMs += ms;
    fire();
    while (timers.length === 0) await turn();
  }
  const part = ((served.length - before.served) * STEP_MS) / (nowMs - before.nowMs);
  expect(part).toBeGreaterThan(SHARE - 0.05);
  expect(part).toBeLessThan(SHARE + 0.01);
});

test("a step that had to wait for a processor is charged for what it used", async () => {
  let processorMs = 0;
  const scheduler = new AnswerScheduler({ ...clock, processorMs: () => processorMs }, () => {});
  let left = 100;
  scheduler.ask({
    account: { debtMs: 0, atMs: 0 },
    serve: () => {
      processorMs += 0.1;
      nowMs += 20;
      return --left > 0;
    },
  });
  for (let turns = 0; turns < 100; turns++) await turn();
  expect([left, timers.length]).toEqual([0, 0]);
});

test("who has nothing left to do is not served again before it asks, and nobody is woken for it", async () => {
  const scheduler = new AnswerScheduler(clock, () => {});
  const one = requester("a", 3);
  scheduler.ask(one);
  for (let i = 0; i < 10; i++) await turn();
  expect(served).toEqual(["a", "a", "a"]);
  expect(timers).toEqual([]);
  scheduler.ask(one);
  await turn();
  expect(served).toHaveLength(4);
});

test("who has gone is not served", async () => {
  const scheduler = new AnswerScheduler(clock, () => {});
  const [one, other] = [requester("a", 1), requester("b", 1)];
  scheduler.ask(one);
  scheduler.ask(other);
  scheduler.leave(one);
  await turn();
  expect(served).toEqual(["b"]);
});

test("however often they ask, there is one turn at a time", async () => {
  const scheduler = new AnswerScheduler(clock, () => {});
  const all = Array.from({ length: 20 }, (_, i) => requester(`${i}`));
  for (const each of all) scheduler.ask(each);
  expect(await turn()).toBeLessThanOrEqual(2 / STEP_MS);
  for (const each of all) scheduler.leave(each);
});

test("who asks at length comes behind who asks one thing", async () => {
  const scheduler = new AnswerScheduler(clock, () => {});
  const [long, short] = [requester("long", 1), requester("short", 1)];
  scheduler.sent(long, 4000);
  scheduler.ask(long);
  scheduler.sent(short, 5);
  scheduler.ask(short);
  await turn();
  expect(served).toEqual(["short", "long"]);
});

test("whoever throws is served no more; the error is told, and others are answered, at once and later", async () => {
  const errors: Error[] = [];
  const scheduler = new AnswerScheduler(clock, (error) => void errors.push(error));
  const broken: Requester = {
    account: { debtMs: 0, atMs: 0 },
    serve: () => {
      served.push("broken");
      throw new Error("a programmer's");
    },
  };
  const other = requester("other", 3);
  scheduler.ask(broken);
  scheduler.ask(other);
  await turn();
  expect(served).toEqual(["broken", "other", "other", "other"]);
  scheduler.ask(other);
  await turn();
  expect(served.at(-1)).toBe("other");
  expect(served).toHaveLength(5);
  expect(errors).toEqual([new Error("a programmer's")]);
});
