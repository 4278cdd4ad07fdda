import { expect, test } from "bun:test";
import fc from "fast-check";
import { LoopTrial } from "../../src/engine/loopTrial.ts";

/** Runs a trial on arrivals that may depend on whether lines are held back. */
function outcome(random: () => number, rateOf: (isHolding: boolean, slot: number) => number): boolean {
  const trial = new LoopTrial(random);
  let slot = 0;
  for (; trial.isHolding !== undefined; slot++) trial.record(rateOf(trial.isHolding, slot));
  expect(slot).toBe(16);
  return trial.comesBack;
}

test("arrivals that stop whenever lines are held back are caused by them, whatever else arrives", () => {
  const background = fc.array(fc.double({ min: 0, max: 100, noNaN: true }), { minLength: 16, maxLength: 16 });
  fc.assert(
    fc.property(background, (rates) => {
      expect(outcome(Math.random, (isHolding, slot) => rates[slot] + (isHolding ? 0 : 101))).toBe(true);
    }),
  );
});

test("one slot that does not fit is enough to doubt it", () => {
  expect(outcome(Math.random, () => 5)).toBe(false);
  for (const odd of [true, false]) {
    let isFirst = true;
    const rates = (isHolding: boolean) => {
      if (isHolding !== odd || !isFirst) return isHolding ? 0 : 9;
      isFirst = false;
      return isHolding ? 9 : 0;
    };
    expect(outcome(Math.random, rates)).toBe(false);
  }
});

test("arrivals that rise and fall by themselves are not taken for caused ones", () => {
  let found = 0;
  for (let i = 0; i < 2000; i++) if (outcome(Math.random, (_, slot) => (slot % 2) * 100)) found++;
  // The chance is one in 12,870 for each: three among 2,000 would be seen once in 2,000 runs.
  expect(found).toBeLessThan(3);
});

test("half of the slots hold lines back, and which they are is not to be foreseen", () => {
  const plans = Array.from({ length: 50 }, () => {
    let plan = "";
    outcome(Math.random, (isHolding) => {
      plan += isHolding ? "h" : ".";
      return 0;
    });
    return plan;
  });
  for (const plan of plans) expect(plan.replaceAll(".", "")).toHaveLength(8);
  expect(new Set(plans).size).toBeGreaterThan(40);
  for (let slot = 0; slot < 16; slot++) expect(new Set(plans.map((plan) => plan[slot])).size).toBe(2);
});
