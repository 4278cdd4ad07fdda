/** The whole proxy in simulated worlds. A failure prints its seed, and how to see it again. */
import { expect, setDefaultTimeout, test } from "bun:test";
import { failureText, runCampaign } from "./campaign.ts";
import { readSeeds, replayFault } from "./faultSearch.ts";
import { FAULTS } from "./faults.ts";
import { sourceWith } from "./faultyProxy.ts";
import { Random } from "./random.ts";
import { Schedule } from "./schedule.ts";
import { simulate } from "./simulation.ts";

setDefaultTimeout(120_000);

/** As many as every fault in faultSeeds.json needs to be found. */
const FIXED_RUNS = 400;
const RANDOM_RUNS = 200;
/** Each takes a quarter of a second. */
const REPLAYED = 12;

test("a seed decides everything that happens", async () => {
  await runCampaign({ seed: 1, runsMax: 1 });
  for (const seed of [1, 20, 38, 100]) {
    const [one, other] = [simulate(seed), simulate(seed)];
    expect(other.hash).toBe(one.hash);
    expect(other.turns).toBe(one.turns);
  }
  expect(simulate(2).hash).not.toBe(simulate(3).hash);
});

test("the same runs each time: whatever happens, every line has its place", async () => {
  const campaign = await runCampaign({ seed: 1, runsMax: FIXED_RUNS });
  if (campaign.failed) throw new Error(failureText(campaign.failed));
  // It is a world in which things happen.
  expect(campaign.linesAccounted).toBeGreaterThan(20 * campaign.runs);
  expect(campaign.changes).toBeGreaterThan(0);
  expect(campaign.nodeChanges).toBeGreaterThan(0);
  expect(campaign.faults.size).toBeGreaterThan(10);
});

test("other runs each time", async () => {
  const seed = Math.floor(Math.random() * 2 ** 40);
  const campaign = await runCampaign({ seed, runsMax: RANDOM_RUNS });
  if (campaign.failed) throw new Error(failureText(campaign.failed));
  console.log(`simulation: ${campaign.runs} runs from seed ${seed} on`);
});

test.each(FAULTS.map((fault) => [fault.name, fault] as const))(
  "the sources still have what is broken by: %s",
  (_, fault) => {
    expect(sourceWith(fault)).not.toContain(fault.find);
  },
);

test("the seeds that are recorded still find their faults: some of them, others each time", async () => {
  const seeds = readSeeds();
  const names = FAULTS.map(({ name }) => name);
  expect(Object.keys(seeds).filter((name) => !names.includes(name))).toEqual([]);
  const recorded = FAULTS.filter(({ name }) => name in seeds);
  const replayed = new Random(Date.now()).shuffle([...recorded]).slice(0, REPLAYED);
  for (const fault of replayed) await replayFault(fault, seeds[fault.name]);
});

test("random numbers are even, and the same of the same seed", () => {
  const counts = new Array<number>(10).fill(0);
  const random = new Random(7);
  for (let i = 0; i < 100_000; i++) counts[random.below(10)]++;
  for (const count of counts) expect(Math.abs(count - 10_000)).toBeLessThan(500);
  const again = new Random(2 ** 40 + 7);
  expect(again.uint32()).not.toBe(new Random(7).uint32());
  expect(new Random(2 ** 40 + 7).uint32()).toBe(new Random(2 ** 40 + 7).uint32());
});

test("what is scheduled comes in order of its time, equal times in order of their coming, and nothing that is cancelled", () => {
  const random = new Random(1);
  const schedule = new Schedule();
  const expected: (readonly [number, number])[] = [];
  for (let i = 0; i < 2000; i++) {
    const atMs = random.below(300);
    const entry = schedule.add(atMs, () => {});
    if (random.chance(0.3)) schedule.cancel(entry);
    else expected.push([atMs, entry.order]);
  }
  expected.sort(([a, i], [b, j]) => a - b || i - j);
  expect(schedule.size).toBe(expected.length);
  const found = Array.from({ length: expected.length }, () => schedule.take(1000)).map((entry) => [
    entry?.atMs,
    entry?.order,
  ]);
  expect(found).toEqual(expected.map(([atMs, order]) => [atMs, order]));
  expect(schedule.take(1000)).toBeUndefined();
  expect(schedule.size).toBe(0);
});
