import { expect, test } from "bun:test";
import { History } from "../../src/observe/history.ts";
import { Sampler } from "../../src/observe/sampler.ts";
import { ManualClock } from "../support/clocks.ts";

function sampled() {
  const [clock, history] = [new ManualClock(), new History()];
  let received = 0;
  const sampler = new Sampler(history, clock, () => {
    received += 10;
    return { received, relayed: 0, rejected: 0, dropped: 0, kernel_drops: 0 };
  });
  return { clock, history, sampler };
}

test("samples are taken once a second, the first at once", () => {
  const { clock, history } = sampled();
  clock.advance(3000);
  expect(history.since(0)).toMatchObject({ next: 3, rates: { received: [10, 10, 10] } });
  expect(history.lag).toEqual({ lastSeconds: 0, maxSeconds: 0 });
});

test("a late sample records its lag, and does not make the next one late", () => {
  const { clock, history } = sampled();
  clock.advance(500);
  // The next is due in half a second, and comes a quarter later.
  clock.pass(750);
  clock.advance(0);
  expect(history.lag).toEqual({ lastSeconds: 0.25, maxSeconds: 0.25 });
  clock.advance(1000);
  expect(history.lag).toEqual({ lastSeconds: 0, maxSeconds: 0.25 });
});

test("no sample is taken after close", () => {
  const { clock, history, sampler } = sampled();
  clock.advance(1000);
  sampler.close();
  clock.advance(5000);
  expect(history.since(0).next).toBe(1);
  expect(clock.timersLeft).toBe(0);
});
