import { expect, onTestFinished, test } from "bun:test";
import { coreMemory } from "../../src/core/core.ts";
import { dropAll, type Link } from "../../src/net/link.ts";
import { SelfMetricsSender } from "../../src/observe/selfMetricsSender.ts";
import type { Locator } from "../../src/placement/locator.ts";
import { NO_LIVE_NODE } from "../../src/placement/owner.ts";
import { Counters } from "../../src/relay/counters.ts";
import { systemClock } from "../../src/system/clock.io.ts";
import { ManualClock } from "../support/clocks.ts";
import { RelayBench } from "../support/relayBench.ts";
import { statsOf } from "../support/stats.ts";

type Flush = Link["flush"];

/** What a bench's view makes: a line for each figure, and the uptime. */
const LINES = statsOf(new RelayBench({}).view()).length + 1;

const SETTINGS = { prefix: "self", interval: 60_000, datagramBytesMax: 1432 };

/** Sends to every node over links that do `flush`. */
function senderOver(flush: Flush) {
  const counters = new Counters();
  const view = () => new RelayBench({}).view();
  const sender = new SelfMetricsSender({ clock: systemClock, view, counters, onFailure: unexpected });
  sender.use({ ...SETTINGS, locator: undefined, nodes: [{ label: "a", isUp: true, flush }] }, true);
  onTestFinished(() => sender.finish());
  return { sender, counters };
}

const takesNothing: Flush = () => {};
const takesOne: Flush = (batch, counters) => {
  if (batch.datagrams > 0) counters.linesRelayed += batch.shift(1);
};
const takesAll: Flush = (batch, counters) => {
  counters.linesRelayed += batch.shift(batch.datagrams);
};
const refusesAll: Flush = dropAll;

test.each([
  ["nothing", takesNothing],
  ["a part", takesOne],
  ["all", takesAll],
  ["nothing any more", refusesAll],
])("at the stop each line is sent or counted as dropped: a link that takes %s", (_, flush) => {
  const { sender, counters } = senderOver(flush);
  sender.send();
  sender.finish();
  expect(counters.linesSelf + counters.linesSelfDropped).toBe(2 * LINES);
  if (flush === takesAll) expect(counters.linesSelf).toBe(2 * LINES);
  if (flush === takesOne) expect(counters.linesSelf).toBeGreaterThan(0);
  if (flush !== takesAll) expect(counters.linesSelfDropped).toBeGreaterThan(0);
});

test("lines that no node is up to own count as dropped", () => {
  const counters = new Counters();
  const view = () => new RelayBench({}).view();
  const locator = { owner: () => NO_LIVE_NODE } as unknown as Locator;
  const nodes = [{ label: "a", isUp: true, flush: takesAll }];
  const sender = new SelfMetricsSender({ clock: systemClock, view, counters, onFailure: unexpected });
  sender.use({ ...SETTINGS, locator, nodes }, true);
  onTestFinished(() => sender.finish());
  sender.send();
  expect(counters).toMatchObject({ linesSelf: 0, linesSelfDropped: LINES });
});

test("what a link did not take is sent when it is ready again", () => {
  let isReady = false;
  const { sender, counters } = senderOver((batch, own) => {
    if (isReady) takesAll(batch, own);
  });
  sender.send();
  expect(counters.linesSelf).toBe(0);
  isReady = true;
  sender.flush();
  expect(counters).toMatchObject({ linesSelf: LINES, linesSelfDropped: 0 });
});

test("lines are sent once per interval of the latest settings, and never without settings or after the stop", () => {
  const [counters, clock] = [new Counters(), new ManualClock()];
  const view = () => new RelayBench({}).view();
  const sender = new SelfMetricsSender({ clock, view, counters, onFailure: unexpected });
  const settings = { ...SETTINGS, locator: undefined, nodes: [{ label: "a", isUp: true, flush: takesAll }] };
  const sentIn = (ms: number) => {
    const before = counters.linesSelf;
    clock.advance(ms);
    return (counters.linesSelf - before) / LINES;
  };
  sender.use({ ...settings, interval: 1000 }, true);
  expect([sentIn(999), sentIn(1), sentIn(5000)]).toEqual([0, 1, 5]);
  sender.use({ ...settings, interval: 5000 }, true);
  expect([sentIn(4999), sentIn(1)]).toEqual([0, 1]);
  sender.use(undefined, false);
  expect(sentIn(60_000)).toBe(0);
  sender.use(settings, false);
  expect(sentIn(60_000)).toBe(1);
  sender.finish();
  expect([sentIn(600_000), clock.timersLeft]).toEqual([0, 0]);
});

test("settings that replace others use no more of the core's memory", () => {
  const { sender } = senderOver(takesAll);
  const bytesBefore = coreMemory.bytes.length;
  const nodes = [{ label: "a", isUp: true, flush: takesAll }];
  for (let i = 0; i < 500; i++) sender.use({ ...SETTINGS, locator: undefined, nodes }, false);
  expect(coreMemory.bytes.length).toBe(bytesBefore);
});

function unexpected(error: Error): never {
  throw error;
}
