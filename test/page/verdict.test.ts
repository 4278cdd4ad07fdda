import { expect, test } from "bun:test";
import { recentLosses } from "../../src/page/recentLosses.ts";
import { noVerdict, verdictOf } from "../../src/page/verdict.ts";
import { statusOf } from "../support/statusJson.ts";

/** Of each node: up or down, refusing or failing. */
function badge(nodes: string, health: "up" | "down" = "up"): string {
  const figuresOf = (kind: string, factor: number) => ({
    lines_refused: "rb".includes(kind) ? factor : 0,
    send_errors: "fb".includes(kind) ? factor : 0,
  });
  const status = (factor: number) => {
    const whole = statusOf(
      [...nodes].map((_, i) => `node${i}`),
      { health, uptime_ms: 1000 * factor },
    );
    const list = whole.nodes.map((node, i) => ({
      ...node,
      up: nodes[i] !== "d",
      figures: figuresOf(nodes[i], factor),
    }));
    return { ...whole, nodes: list };
  };
  const verdict = verdictOf(status(2), recentLosses(recentLosses(undefined, status(1)), status(2)));
  expect(
    verdict.badge.startsWith({ good: "● healthy: ", fair: "▲ degraded: ", bad: "✕ unhealthy: " }[verdict.state]),
  ).toBe(true);
  expect(verdict.title.replace(/^[▲✕] /, "")).toBe(`statsd-proxy: ${verdict.badge.replace(/^.*?: /, "")}`);
  return verdict.badge;
}

test.each([
  ["uuu", "● healthy: all nodes up"],
  ["udu", "▲ degraded: 1 of 3 nodes down"],
  ["uru", "▲ degraded: 1 node refuses metrics"],
  ["rrr", "▲ degraded: 3 nodes refuse metrics"],
  ["ufu", "▲ degraded: sending to 1 node fails"],
  ["drbf", "▲ degraded: 1 of 4 nodes down, 2 nodes refuse metrics, sending to 2 nodes fails"],
  ["ddd", "✕ unhealthy: no live node"],
])("nodes %s: %s", (nodes, text) => {
  expect(badge(nodes)).toBe(text);
});

test("a proxy that is set down is unhealthy, whatever its nodes", () => {
  expect(badge("uu", "down")).toBe("✕ unhealthy: set down at the console, all nodes up");
  expect(badge("ur", "down")).toBe("✕ unhealthy: set down at the console, 1 node refuses metrics");
});

test("a proxy that does not answer has no verdict", () => {
  expect(noVerdict("03:00:00")).toEqual({
    state: "bad",
    badge: "✕ unknown: no answer since 03:00:00",
    title: "✕ statsd-proxy: no answer",
  });
});
