/** Where one verdict ends and another begins. */
import { describe, expect, test } from "bun:test";
import { type Grown, NOTHING_RECENT, type Recent } from "../../src/observe/recent.ts";
import { verdictOf } from "../../src/observe/verdict.ts";
import type { NodeView, View } from "../../src/observe/view.ts";
import { RelayBench } from "../support/relayBench.ts";

const NOW = Date.UTC(2026, 10, 26, 23, 40);
const AT = NOW - 200_000;
const BENCH = new RelayBench({}).view();
const [A, B, C] = BENCH.nodes;

function view(parts: Partial<View>, recent: Partial<Recent> = {}): View {
  return { ...BENCH, nowMs: NOW, recent: { ...NOTHING_RECENT, ...recent }, ...parts };
}

function grown(amount: number, lastMs = NOW, sinceMs = AT): Grown {
  return { amount, sinceMs, lastMs };
}

function ofNodes(name: string, ...all: readonly (readonly [NodeView, Grown])[]): Pick<Recent, "nodes"> {
  return { nodes: new Map(all.map(([{ counters }, grown]) => [counters, { [name]: grown }])) };
}

function stateOf(parts: Partial<View>, recent: Partial<Recent> = {}): string {
  return verdictOf(view(parts, recent)).state;
}

describe("a loss", () => {
  test("is over a minute after the last line", () => {
    const last = (agoMs: number) => stateOf({}, { proxy: { kernel_drops: grown(1, NOW - agoMs) } });
    expect([last(59_999), last(60_000)]).toEqual(["losing", "warning"]);
  });

  test("of several nodes goes on while one of them loses, and began with the first", () => {
    const early = grown(9, NOW - 100_000, AT);
    const late = grown(3, NOW, AT + 50_000);
    const [trouble] = verdictOf(view({}, ofNodes("send_buffer_full", [A, early], [B, late]))).troubles;
    expect(trouble).toMatchObject({ state: "losing", sinceMs: AT });
  });

  test("names the node first that lost the most", () => {
    const { line } = verdictOf(view({}, ofNodes("send_buffer_full", [A, grown(3)], [B, grown(5)], [C, grown(4)])));
    expect(line).toContain(`${B.label}, ${C.label} and 1 more`);
  });

  test("while no node was there is told when all are back", () => {
    const { state, line } = verdictOf(view({}, { proxy: { no_live_node: grown(17) } }));
    expect([state, line.includes("17 lines")]).toEqual(["warning", true]);
  });

  test("of a mirrored line is that of a copy", () => {
    const settings = { ...BENCH.settings, mirror: true };
    const nodes = [A, { ...B, isUp: false }, C];
    expect(verdictOf(view({ settings, nodes }, ofNodes("node_down", [B, grown(6)]))).line).toContain("6 copies");
  });

  test("by the kernel, of a buffer as large as was asked for, needs a larger one", () => {
    const { receiveBuffer } = BENCH.settings;
    // The kernel says twice what it grants.
    const help = (granted: number) =>
      verdictOf(view({ receiveBufferBytes: 2 * granted }, { proxy: { kernel_drops: grown(1) } })).line;
    expect(help(receiveBuffer)).toContain("raise receiveBuffer");
    expect(help(receiveBuffer - 1)).toContain("net.core.rmem_max");
  });
});

test("a node that operators have set down is no more a fault than one that is drained", () => {
  const kinds = (state: "drained" | "set down") => {
    const aside = { ...B, isUp: false, health: { ...B.health, state } };
    return verdictOf(view({ nodes: [A, aside, C] })).troubles.map(({ kind }) => kind);
  };
  expect(kinds("set down")).toEqual(kinds("drained"));
});

test.each<[string, (amount: number) => string, number]>([
  ["a node changes six times", (amount) => stateOf({}, ofNodes("state_changes", [A, grown(amount)])), 5],
  [
    "more than a tenth of the lines are rejected",
    (amount) => stateOf({}, { proxy: { lines_received: grown(1000), lines_rejected: grown(amount) } }),
    100,
  ],
  [
    "the event loop was more than a second late",
    (amount) => stateOf({ eventLoopLag: { lastSeconds: 0, maxSeconds: amount } }),
    1,
  ],
])("there is a trouble when %s, and not before", (_, state, most) => {
  expect([state(most), state(most + 1)]).toEqual(["ok", "warning"]);
});
