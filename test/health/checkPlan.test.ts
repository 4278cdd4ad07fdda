import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { CheckPlan, type CheckResult, RECHECK_MS_MIN } from "../../src/health/checkPlan.ts";

const INTERVAL_MS = 1000;
const PASSED: CheckResult = { outcome: "passed" };
const SKIPPED: CheckResult = { outcome: "skipped", reason: "no file descriptor" };
const failed = (sign: "silence" | "refusal" | "end"): CheckResult => ({ outcome: "failed", reason: "some", sign });

/** A plan whose first check began at 0. */
function begun(): CheckPlan {
  const plan = new CheckPlan(INTERVAL_MS, 0);
  plan.begin(0);
  return plan;
}

test("the first check is due when requested, each other one an interval after the previous one began", () => {
  const plan = new CheckPlan(INTERVAL_MS, 300);
  expect(plan.dueAtMs).toBe(300);
  plan.begin(310);
  plan.end(PASSED, true, 320);
  expect(plan.dueAtMs).toBe(1310);
});

describe("a reason to check", () => {
  test("brings a check soon, but not twice in a row", () => {
    const plan = begun();
    plan.checkSoon(20);
    expect(plan.dueAtMs).toBe(RECHECK_MS_MIN);
  });

  test("long after the last check brings one at once", () => {
    const plan = begun();
    plan.checkSoon(500);
    expect(plan.dueAtMs).toBe(500);
  });

  test("that keeps coming does not postpone it", () => {
    const plan = begun();
    for (let nowMs = 1; nowMs < 5000; nowMs++) plan.checkSoon(nowMs);
    expect(plan.dueAtMs).toBe(RECHECK_MS_MIN);
  });

  test("before the first check brings it forward", () => {
    const plan = new CheckPlan(INTERVAL_MS, 700);
    plan.checkSoon(5);
    expect(plan.dueAtMs).toBe(5);
  });

  test("changes nothing if the interval is shorter anyway", () => {
    const plan = new CheckPlan(10, 0);
    plan.begin(0);
    plan.checkSoon(1);
    expect(plan.dueAtMs).toBe(10);
  });
});

describe("another interval", () => {
  test("brings the next check when it says, if that is sooner, and each other one an interval later", () => {
    const plan = begun();
    plan.useInterval(200, 150);
    expect(plan.dueAtMs).toBe(150);
    plan.useInterval(200, 180);
    expect(plan.dueAtMs).toBe(150);
    plan.begin(150);
    expect(plan.dueAtMs).toBe(350);
  });

  test("is no reason for a check where there must be one", () => {
    const plan = new CheckPlan(INTERVAL_MS, Number.POSITIVE_INFINITY, true);
    plan.useInterval(200, 150);
    expect(plan.dueAtMs).toBe(Number.POSITIVE_INFINITY);
  });
});

describe("after a check", () => {
  test.each<[what: string, result: CheckResult, isUp: boolean, dueAtMs: number]>([
    ["that passed, an interval", PASSED, true, INTERVAL_MS],
    ["that was skipped, an interval", SKIPPED, true, INTERVAL_MS],
    ["that nobody answered, an interval", failed("silence"), true, INTERVAL_MS],
    ["that was refused, no more than it must", failed("refusal"), true, RECHECK_MS_MIN],
    ["that a kept connection's end answered, nothing", failed("end"), true, 5],
    ["that was refused by a node that is out, an interval", failed("refusal"), false, INTERVAL_MS],
    ["that ended the connection of a node that is out, an interval", failed("end"), false, INTERVAL_MS],
  ])("%s", (_, result, isUp, dueAtMs) => {
    const plan = begun();
    plan.end(result, isUp, 5);
    expect(plan.dueAtMs).toBe(dueAtMs);
  });
});

describe("a connection's end", () => {
  test("after several answers is a failure", () => {
    const plan = begun();
    plan.end(PASSED, true, 5);
    expect(plan.connectionEnded(2, 10)).toBe(true);
  });

  test("after the first answer is not, but brings a check at once; if that passes, only once", () => {
    const plan = begun();
    plan.end(PASSED, true, 5);
    expect(plan.connectionEnded(1, 10)).toBe(false);
    expect(plan.dueAtMs).toBe(10);
    for (const beganAtMs of [10, 1010, 2010]) {
      plan.begin(beganAtMs);
      plan.end(PASSED, true, beganAtMs + 5);
      expect(plan.connectionEnded(1, beganAtMs + 6)).toBe(false);
      expect(plan.dueAtMs).toBe(beganAtMs + INTERVAL_MS);
    }
  });

  test("after the first answer of a node that was dead before brings a check at once again", () => {
    const plan = begun();
    plan.end(PASSED, true, 5);
    plan.connectionEnded(1, 10);
    plan.begin(10);
    plan.end(failed("refusal"), false, 11);
    plan.begin(1010);
    plan.end(PASSED, true, 1015);
    expect(plan.connectionEnded(1, 1020)).toBe(false);
    expect(plan.dueAtMs).toBe(1020);
  });

  test("after a failed answer does not bring a check", () => {
    const plan = begun();
    plan.end(failed("silence"), true, 5);
    expect(plan.connectionEnded(1, 10)).toBe(false);
    expect(plan.dueAtMs).toBe(INTERVAL_MS);
  });

  test("of a node that used to close and now keeps them is a failure again, and then a reason to check", () => {
    const plan = begun();
    plan.end(PASSED, true, 5);
    plan.connectionEnded(1, 10);
    plan.begin(10);
    plan.end(PASSED, true, 15);
    expect(plan.connectionEnded(3, 20)).toBe(true);
    plan.end(failed("end"), true, 20);
    plan.begin(20);
    plan.end(PASSED, true, 25);
    plan.connectionEnded(1, 30);
    expect(plan.dueAtMs).toBe(30);
  });
});

test("whatever happens, only the start of a check postpones the next one, and by no more than an interval", () => {
  type Event = (plan: CheckPlan, nowMs: number) => void;
  const events = fc.constantFrom<Event[]>(
    (plan, nowMs) => plan.checkSoon(nowMs),
    (plan, nowMs) => plan.end(PASSED, true, nowMs),
    (plan, nowMs) => plan.end(SKIPPED, true, nowMs),
    (plan, nowMs) => plan.end(failed("silence"), true, nowMs),
    (plan, nowMs) => plan.end(failed("refusal"), true, nowMs),
    (plan, nowMs) => plan.end(failed("refusal"), false, nowMs),
    (plan, nowMs) => plan.end(failed("end"), true, nowMs),
    (plan, nowMs) => void plan.connectionEnded(1, nowMs),
    (plan, nowMs) => void plan.connectionEnded(2, nowMs),
  );
  const steps = fc.array(fc.record({ event: events, afterMs: fc.nat(300) }), { maxLength: 100 });
  fc.assert(
    fc.property(steps, fc.integer({ min: 10, max: 5000 }), (taken, intervalMs) => {
      const plan = new CheckPlan(intervalMs, 0);
      let nowMs = 0;
      let beganAtMs = Number.NEGATIVE_INFINITY;
      for (const { event, afterMs } of taken) {
        nowMs += afterMs;
        if (plan.dueAtMs <= nowMs) {
          plan.begin(nowMs);
          beganAtMs = nowMs;
          expect(plan.dueAtMs).toBe(nowMs + intervalMs);
        }
        const before = plan.dueAtMs;
        event(plan, nowMs);
        expect(plan.dueAtMs).toBeLessThanOrEqual(before);
        expect(plan.dueAtMs).toBeGreaterThanOrEqual(Math.min(before, nowMs));
        expect(plan.dueAtMs).toBeLessThanOrEqual(Math.max(beganAtMs + intervalMs, 0));
      }
    }),
  );
});
