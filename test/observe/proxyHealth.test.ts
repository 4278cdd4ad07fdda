import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { answer, type ConsoleContext } from "../../src/console/commands.ts";
import { respond } from "../../src/http/answers.ts";
import { healthOf } from "../../src/observe/proxyHealth.ts";
import type { View } from "../../src/observe/view.ts";
import { RelayBench } from "../support/relayBench.ts";
import { statsSourceOf } from "../support/statsSource.ts";

/** The rule as operators read it. */
const RULE = [
  ...readFileSync(join(import.meta.dir, "../../OPERATING.md"), "utf8").matchAll(
    /^\| `(up|down)` \| (0|1 or more) \| `(up|down)` \| ([01]) \| 0 \| (200|503) \|$/gm,
  ),
].map(([, set, up, health, exit, status]) => ({ set, up, health, exit, status }));

test("the rule in OPERATING.md has every case once", () => {
  expect(RULE.map(({ set, up }) => `${set}, ${up}`).sort()).toEqual([
    "down, 0",
    "down, 1 or more",
    "up, 0",
    "up, 1 or more",
  ]);
});

describe.each(RULE)("set $set with $up nodes up", ({ set, up, health, exit, status }) => {
  const health0 = set as "up" | "down";
  const before = new RelayBench({}).view();
  const nodes = before.nodes.map((node, i) => ({ ...node, isUp: up !== "0" && i === 0 }));
  const view: View = { ...before, nodes };

  test(`is ${health}, and healthcheck exits with ${exit}`, () => {
    expect(nodes.length).toBeGreaterThan(1);
    expect(healthOf(health0, view).health).toBe(health as "up" | "down");
    const context = consoleOf(view, health0);
    expect(answer("health", context)).toEqual({ text: `health: ${health}\n` });
    expect(exit).toBe(health === "up" ? "0" : "1");
  });

  test(`is ${status} over HTTP, with the same word`, () => {
    const source = () => ({ ...statsSourceOf(view), health: health0 });
    const context = { ...HTTP, source } as Parameters<typeof respond>[3];
    const reply = respond("GET", "/healthz", new URLSearchParams(), context);
    expect(reply.status).toBe(Number(status) as 200 | 503);
    const [first, reason] = reply.body.text.split("\n");
    expect(first).toBe(`health: ${health}`);
    const count = up === "0" ? 0 : 1;
    expect(reason).toBe(set === "down" ? "set down at the console" : `${count} of ${nodes.length} nodes up`);
  });

  test("is what `health` set to it answers, with the reason where it is not so", () => {
    const context = consoleOf(view, "up");
    const why = set === "up" && health === "down" ? `set up, but 0 of ${nodes.length} nodes up\n` : "";
    expect(answer(`health ${set}`, context)).toEqual({ text: `health: ${health}\n${why}` });
  });
});

const HTTP = { build: {}, page: { html: "", contentSecurityPolicy: "" } };

function consoleOf(view: View, health: "up" | "down"): ConsoleContext {
  return { view: () => view, health } as ConsoleContext;
}
