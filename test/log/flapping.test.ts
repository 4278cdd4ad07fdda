import { describe, expect, test } from "bun:test";
import { FLAPPING_CHANGES, FLAPPING_WITHIN_MS, Flapping, NODES_MAX, QUIET_MS } from "../../src/log/flapping.ts";
import type { LogEvent } from "../../src/log/logLimit.ts";

function event(event: string, node = "a", more = {}): LogEvent {
  return { level: event === "node_down" ? "warn" : "info", event, fields: { node, ...more } };
}

/** A node goes down and comes back, so many times, once in `everyMs`; returns the names of what is logged at once. */
function changes(flapping: Flapping, count: number, everyMs: number, fromMs = 0, node = "a"): (LogEvent | undefined)[] {
  return Array.from({ length: count }, (_, i) =>
    flapping.take(event(i % 2 === 0 ? "node_down" : "node_up", node, { nth: i }), fromMs + i * everyMs),
  );
}

const namesOf = (events: readonly (LogEvent | undefined)[]) => events.map((said) => said?.event);

test("a node that changes too often within a minute is said to flap, once, and then nothing is said of it", () => {
  const flapping = new Flapping();
  const said = changes(flapping, FLAPPING_CHANGES + 20, 1000);
  expect(namesOf(said.slice(0, FLAPPING_CHANGES - 1))).toEqual(
    Array.from({ length: FLAPPING_CHANGES - 1 }, (_, i) => (i % 2 === 0 ? "node_down" : "node_up")),
  );
  const seconds = FLAPPING_CHANGES - 1;
  expect(said[FLAPPING_CHANGES - 1]).toEqual({
    level: "warn",
    event: "node_flapping",
    fields: { node: "a", changes: FLAPPING_CHANGES, seconds },
  });
  expect(said.slice(FLAPPING_CHANGES)).toEqual(new Array(20).fill(undefined));
  expect(flapping.isActive).toBe(true);
});

test("when it has been quiet for a while, it is summed up, and how the node is now is said", () => {
  const flapping = new Flapping();
  const count = FLAPPING_CHANGES + 21;
  changes(flapping, count, 1000);
  const lastMs = (count - 1) * 1000;
  expect(flapping.due(lastMs + QUIET_MS - 1)).toEqual([]);
  expect(flapping.due(lastMs + QUIET_MS)).toEqual([
    { level: "info", event: "flapping_over", fields: { node: "a", changes: count, seconds: count - 1 } },
    // Not how many nodes were up at that time.
    event("node_down", "a", { seconds_ago: QUIET_MS / 1000 }),
  ]);
  expect([flapping.isActive, flapping.due(lastMs + 2 * QUIET_MS)]).toEqual([false, []]);
  // Then it begins anew.
  expect(namesOf(changes(flapping, 1, 1000, lastMs + QUIET_MS))).toEqual(["node_down"]);
});

test("a log that ends says what it has kept back, quiet or not", () => {
  const flapping = new Flapping();
  changes(flapping, FLAPPING_CHANGES, 10);
  expect(namesOf(flapping.due(Number.POSITIVE_INFINITY))).toEqual(["flapping_over", "node_up"]);
  expect(flapping.isActive).toBe(false);
});

describe("is no flapping:", () => {
  test("as many changes in more time", () => {
    const flapping = new Flapping();
    const everyMs = FLAPPING_WITHIN_MS / (FLAPPING_CHANGES - 1) + 1;
    expect(namesOf(changes(flapping, 3 * FLAPPING_CHANGES, everyMs))).not.toContain("node_flapping");
  });

  test("the same event of one node many times", () => {
    const flapping = new Flapping();
    const down = event("node_down");
    for (let i = 0; i < 3 * FLAPPING_CHANGES; i++) expect(flapping.take(down, i)).toBe(down);
  });

  test("changes of other nodes, and other events", () => {
    const flapping = new Flapping();
    for (let i = 0; i < 3 * FLAPPING_CHANGES; i++) {
      expect(changes(flapping, 2, 1, i, `node ${i}`)).not.toContain(undefined);
      for (const name of ["send_failed", "send_recovered"]) {
        expect(flapping.take(event(name), i)).toEqual(event(name));
      }
    }
  });
});

test("while one node flaps, the others are said as ever", () => {
  const flapping = new Flapping();
  changes(flapping, FLAPPING_CHANGES + 1, 10);
  expect(namesOf(changes(flapping, 2, 10, 200, "b"))).toEqual(["node_down", "node_up"]);
});

test("nodes that are still are forgotten, and beyond so many nothing is kept back", () => {
  const flapping = new Flapping();
  for (let i = 0; i < NODES_MAX; i++) flapping.take(event("node_down", `${i}`), 0);
  const last = () => namesOf(changes(flapping, FLAPPING_CHANGES, 1, 0, "last")).at(-1);
  expect(last()).toBe("node_up");
  expect(namesOf(changes(flapping, FLAPPING_CHANGES, 1, FLAPPING_WITHIN_MS + 1, "last")).at(-1)).toBe("node_flapping");
});
