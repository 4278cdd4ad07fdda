import { describe, expect, test } from "bun:test";
import { type Grown, NOTHING_RECENT, type Recent } from "../../src/observe/recent.ts";
import { verdictKey, verdictOf } from "../../src/observe/verdict.ts";
import type { NodeView, View } from "../../src/observe/view.ts";
import { RelayBench } from "../support/relayBench.ts";

const NOW = Date.UTC(2026, 10, 26, 23, 40);
const AT = Date.UTC(2026, 10, 26, 23, 34, 10);
const BENCH = new RelayBench({}).view();
const [A, B, C] = BENCH.nodes;

function grown(amount: number, lastMs = NOW): Grown {
  return { amount, sinceMs: AT, lastMs };
}

function down(node: NodeView, failure: string): NodeView {
  const lastCheck = { atMs: AT, durationMs: 1, failure };
  return { ...node, isUp: false, health: { ...node.health, sinceMs: AT, lastCheck } };
}

function setAside(node: NodeView): NodeView {
  return { ...node, isUp: false, health: { ...node.health, sinceMs: AT, state: "drained" } };
}

function view(parts: Partial<View> = {}, recent: Partial<Recent> = {}): View {
  return {
    ...BENCH,
    ...{ nowMs: NOW, uptimeSeconds: 1000, receiveBufferBytes: 425_984 },
    recent: { ...NOTHING_RECENT, ...recent },
    ...parts,
  };
}

function ofNode(node: NodeView, name: string, amount: number, lastMs = NOW): Pick<Recent, "nodes"> {
  return { nodes: new Map([[node.counters, { [name]: grown(amount, lastMs) }]]) };
}

describe("the verdict", () => {
  test.each<[string, View]>([
    ["ok: all 3 nodes up, nothing lost in 5 min", view()],
    ["ok: all 3 nodes up, nothing lost since the start", view({ uptimeSeconds: 20 })],
    [
      "losing: the kernel dropped 1,546 datagrams in 5 min (24%), since 23:34:10 UTC, its buffer of 208 KiB was full: " +
        "sysctl -w net.core.rmem_max=4194304, and restart",
      view({}, { proxy: { kernel_drops: grown(1546), packets_received: grown(4900) } }),
    ],
    [
      "warning, lost: the kernel dropped 1 datagram in 5 min (100%), at 23:34:10 UTC, its buffer of 8 MiB was full: " +
        "raise receiveBuffer, or share the port among several proxies (reusePort)",
      view({ receiveBufferBytes: 2 ** 24 }, { proxy: { kernel_drops: grown(1, AT) } }),
    ],
    [
      `warning: 1 of 3 nodes down since 23:34:10 UTC, 40% of the names moved: ${B.label} (ECONNREFUSED)`,
      view({ nodes: [A, down(B, "ECONNREFUSED"), C], namesMoved: 0.4 }),
    ],
    [
      `losing: 1 of 3 nodes down since 23:34:10 UTC, 363 lines dropped in 5 min: ${B.label} (timeout)`,
      view({ nodes: [A, down(B, "timeout"), C] }, ofNode(B, "held", 363)),
    ],
    [
      `critical: all 3 nodes down since 23:34:10 UTC, 12 lines dropped in 5 min: ${A.label} (a), ${B.label} (b) and 1 more`,
      view(
        { nodes: [down(A, "a"), down(B, "b"), down(C, "c")], namesMoved: 1 },
        { proxy: { no_live_node: grown(12) } },
      ),
    ],
    [
      `losing: 8 lines dropped in 5 min, since 23:34:10 UTC, the send buffer was full: ${A.label} takes too little`,
      view({}, ofNode(A, "send_buffer_full", 8)),
    ],
    [
      `losing: sending fails since 23:34:10 UTC, 5 lines dropped in 5 min: ${C.label}: look at its route and at the firewall`,
      view({}, ofNode(C, "send_error", 5)),
    ],
    [
      `losing: 70 lines or more probably lost in 5 min, since 23:34:10 UTC, refused by ${A.label}: nothing listens at its port for metrics`,
      view({}, ofNode(A, "lines_refused", 70)),
    ],
    [
      // It has come back since.
      `warning, lost: 8 lines or more probably lost in 5 min, 23:34:10 UTC to 23:39:50 UTC, refused by ${A.label}: ` +
        "nothing listens at its port for metrics",
      view(
        { nodes: [{ ...A, health: { ...A.health, sinceMs: NOW - 5000 } }, B, C] },
        ofNode(A, "lines_refused", 8, NOW - 10_000),
      ),
    ],
    [
      // What it was sent before is lost; the node is what is wrong now.
      `warning: 1 of 3 nodes down since 23:34:10 UTC, 40% of the names moved: ${B.label} (ECONNREFUSED) (and 1 more)`,
      view({ nodes: [A, down(B, "ECONNREFUSED"), C], namesMoved: 0.4 }, ofNode(B, "lines_refused", 1)),
    ],
    [
      `warning: a loop, noticed at 23:34:10 UTC: what arrives stops whenever nothing is sent to ${A.label}: ` +
        "does it relay back to this proxy?",
      view({ loop: { nodes: [A.label], sinceMs: AT } }),
    ],
    [
      "warning: a loop, noticed at 23:34:10 UTC: what arrives stops whenever nothing is sent to a node: " +
        "does it relay back to this proxy?",
      view({ loop: { nodes: [], sinceMs: AT } }),
    ],
    [
      `warning: 1 of 3 nodes taken out by operators since 23:34:10 UTC: ${B.label} (drained): node NAME up ends it`,
      view({ nodes: [A, setAside(B), C] }),
    ],
    [
      `critical: 1 of 1 nodes taken out by operators since 23:34:10 UTC, and no node is left: ${B.label} (drained): node NAME up ends it`,
      view({ nodes: [setAside(B)] }),
    ],
    ["drained at 23:34:10 UTC by health down: health up ends it", view({ health: { isUp: false, sinceMs: AT } })],
    [
      "warning: the reload at 23:34:10 UTC failed, an older configuration is in force: fall: bad",
      view({
        configuration: {
          ...BENCH.configuration,
          ...{ isLatest: false, lastFailure: { atSeconds: AT / 1000, cause: "signal", reasons: ["fall: bad", "x"] } },
        },
      }),
    ],
    [
      "critical: sums of lines did not add up once in 5 min, since 23:34:10 UTC: a bug, please report it with the log",
      view({}, { proxy: { invariant_violations: grown(1) } }),
    ],
    [
      "warning: overload, 98% of a core within 10 s: share the port among several proxies (reusePort)",
      view({}, { cpuShare: 0.98 }),
    ],
    [
      "warning: overload, the event loop was 2.5 s late within a minute: the machine is too busy, or the process was stopped",
      view({ eventLoopLag: { lastSeconds: 0, maxSeconds: 2.5 } }),
    ],
    [
      `warning: ${A.label} changed between up and down 12 times in 5 min, since 23:34:10 UTC: raise fall and rise, or look at it`,
      view({}, ofNode(A, "state_changes", 12)),
    ],
    [
      'warning: 31% of the lines are no metrics, 310 in 5 min, since 23:34:10 UTC: the console\'s "tap rejected" shows them',
      view({}, { proxy: { lines_received: grown(1000), lines_rejected: grown(310) } }),
    ],
    [
      "warning: 7 log lines lost in 5 min, since 23:34:10 UTC: nobody reads standard error",
      view({}, { proxy: { log_lines_lost: grown(7) } }),
    ],
  ])("%s", (line, seen) => {
    expect(verdictOf(seen).line).toBe(line);
  });

  test("of several troubles has the worst first, and counts the others", () => {
    const seen = view(
      { nodes: [A, down(B, "x"), C], namesMoved: 0.3, health: { isUp: false, sinceMs: AT } },
      { proxy: { kernel_drops: grown(5) } },
    );
    const { state, line, troubles } = verdictOf(seen);
    expect(state).toBe("losing");
    expect(line).toStartWith("losing: the kernel dropped 5 datagrams");
    expect(line).toEndWith(" (and 2 more)");
    expect(troubles.map(({ state }) => state)).toEqual(["losing", "drained", "warning"]);
  });

  test("does not count what is as usual: a few bad lines, a node that changed once, a busy second", () => {
    const few = { proxy: { lines_received: grown(40), lines_rejected: grown(20) }, cpuShare: 0.9 };
    expect(verdictOf(view({}, few)).state).toBe("ok");
    expect(verdictOf(view({}, ofNode(A, "state_changes", 2))).state).toBe("ok");
  });

  test("has the same key as long as only figures change", () => {
    const key = (amount: number) => verdictKey(verdictOf(view({}, { proxy: { kernel_drops: grown(amount) } })));
    expect(key(5)).toBe(key(6));
    expect(key(5)).not.toBe(verdictKey(verdictOf(view())));
  });
});
