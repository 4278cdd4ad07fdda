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

function down(node: NodeView, lastFailure: string, sinceMs = AT): NodeView {
  const health = { ...node.health, sinceMs, isWell: false, state: "down" as const, lastFailure };
  return { ...node, isUp: false, health };
}

/** It goes by what its host refuses. */
function unchecked(node: NodeView): NodeView {
  return { ...node, config: { ...node.config, managementport: 0 } };
}

const HOLD = { mirror: false, failover: "hold", receiveBuffer: 4_194_304 } as const;
const MIRROR = { ...HOLD, mirror: true };

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

function gone(name: string, amount: number): Partial<Recent> {
  return { ...ofNode(C, name, amount), gone: [C] };
}

function ofNode(node: NodeView, name: string, amount: number, lastMs = NOW): Pick<Recent, "nodes"> {
  return kinds(node, { [name]: grown(amount, lastMs) });
}

function kinds(node: NodeView, kinds: Record<string, Grown>): Pick<Recent, "nodes"> {
  return { nodes: new Map([[node.counters, kinds]]) };
}

function nameless(node: NodeView): NodeView {
  const before = down(node, "");
  return { ...before, health: { ...before.health, noAddress: "the name does not resolve" } };
}

describe("the verdict", () => {
  test.each<[string, View]>([
    ["ok: all 3 nodes up, nothing lost in 5 min", view()],
    ["ok: all 3 nodes up, nothing lost since the start", view({ uptimeSeconds: 20 })],
    [
      "losing: the kernel dropped 1,546 datagrams in 5 min (24%), since 23:34:10 UTC, its buffer of 208 KiB was full: " +
        "sysctl -w net.core.rmem_max=4194304, and restart",
      view({}, { proxy: { kernel_drops: grown(1546), packets_received: grown(4900) }, fullBufferBytes: 425_984 }),
    ],
    [
      "warning, lost: the kernel dropped 1 datagram in 5 min (100%), at 23:34:10 UTC, its buffer of 8 MiB was full: " +
        "raise receiveBuffer, or share the port among several proxies (reusePort)",
      view({ receiveBufferBytes: 2 ** 24 }, { proxy: { kernel_drops: grown(1, AT) }, fullBufferBytes: 2 ** 24 }),
    ],
    [
      // A reload has given it more since.
      "warning, lost: the kernel dropped 5 datagrams in 5 min (100%), at 23:34:10 UTC, its buffer of 4 KiB was full: " +
        "it has 208 KiB by now",
      view({}, { proxy: { kernel_drops: grown(5, AT) }, fullBufferBytes: 8192 }),
    ],
    [
      "losing: the kernel dropped 5 datagrams in 5 min (100%), since 23:34:10 UTC, its buffer of 208 KiB was full: " +
        "the proxy did not run for 2.4 s: was it stopped, or the machine too busy?",
      view({}, { proxy: { kernel_drops: grown(5) }, fullBufferBytes: 425_984, lateSeconds: 2.4 }),
    ],
    [
      `losing: 1 of 3 nodes down since 23:34:10 UTC, 2 copies dropped in 5 min: ${B.label} (check statsd at port 8141: a): ` +
        "start it, or see why its check fails",
      view({ nodes: [A, down(B, "a"), C], settings: MIRROR }, ofNode(B, "node_down", 2)),
    ],
    [
      "warning: 1 line dropped in 5 min while nodes were down, since 23:34:10 UTC; all are back",
      view({}, ofNode(B, "held", 1)),
    ],
    [
      `warning: 1 of 3 nodes down since 23:34:10 UTC: ${B.label} (the name does not resolve): ` +
        "correct its host, or look at DNS and the route",
      view({ nodes: [A, { ...nameless(B), config: { ...B.config, host: "b.test" } }, C] }),
    ],
    [
      `warning: 1 of 3 nodes down since 23:34:10 UTC: ${B.label} (the name does not resolve): ` +
        "correct its address, or look at the route to it",
      view({ nodes: [A, nameless(B), C] }),
    ],
    // What a node lost is lost, though a reload has removed it.
    [
      "warning: 7 lines dropped in 5 min while nodes were down, since 23:34:10 UTC",
      view({ nodes: [A, B] }, gone("held", 7)),
    ],
    [
      `warning, lost: 8 lines dropped in 5 min, 23:34:10 UTC to 23:40:00 UTC, the send buffer was full: ${C.label} (removed): ` +
        "look at its load and its network",
      view({ nodes: [A, B] }, gone("send_buffer_full", 8)),
    ],
    [
      `warning, lost: sending fails 23:34:10 UTC to 23:40:00 UTC, 5 lines dropped in 5 min: ${C.label} (removed): ` +
        "look at its route and at the firewall",
      view({ nodes: [A, B] }, gone("send_error", 5)),
    ],
    [
      `warning, lost: 9 lines or more probably lost in 5 min, 23:34:10 UTC to 23:40:00 UTC, refused by ${C.label} (removed): ` +
        "nothing listened at its port for metrics",
      view({ nodes: [A, B] }, gone("lines_refused", 9)),
    ],
    // One that flaps is told as that, up or down, until all are down.
    [
      `losing: ${B.label} changed between up and down 12 times in 5 min, since 23:34:10 UTC, 3 lines dropped in 5 min: ` +
        "raise fall and rise, or look at it",
      view(
        { nodes: [A, down(B, "a", NOW - 29_999), C], settings: HOLD },
        kinds(B, { state_changes: grown(12), held: grown(3) }),
      ),
    ],
    // All were down for a while, and one of them still is: it has not lost what nobody got.
    [
      `warning: 1 of 3 nodes down since 23:34:10 UTC: ${B.label} (check statsd at port 8141: a): start it, or see why its check fails (and 1 more)`,
      view({ nodes: [A, down(B, "a"), C] }, { proxy: { no_live_node: grown(899) } }),
    ],
    [
      `critical: 3 of 3 nodes taken out by operators since 23:34:10 UTC, and no node is left, 300 lines dropped in 5 min: ` +
        `${A.label} (drained), ${B.label} (drained) and 1 more: node NAME up ends it`,
      view({ nodes: [A, B, C].map((node) => setAside(node)) }, { proxy: { no_live_node: grown(300) } }),
    ],
    [
      `losing: 1 of 3 nodes taken out by operators since 23:34:10 UTC, 5 lines dropped in 5 min: ${B.label} (drained): node NAME up ends it`,
      view({ nodes: [A, setAside(B), C], settings: HOLD }, ofNode(B, "held", 5)),
    ],
    [
      `warning: 2 of 3 nodes down since 23:34:10 UTC: ${A.label} (check statsd at port 8140: a), ${B.label} (nobody listens): "node NAME" says what is wrong with each`,
      view({ nodes: [down(A, "a"), unchecked(down(B, "nobody listens")), C] }),
    ],
    // Down for longer it is down, whatever it did before; and so it is counted, if others are.
    [
      `warning: 1 of 3 nodes down since 23:39:30 UTC: ${B.label} (check statsd at port 8141: a): start it, or see why its check fails`,
      view({ nodes: [A, down(B, "a", NOW - 30_000), C] }, ofNode(B, "state_changes", 12)),
    ],
    [
      `warning: 2 of 3 nodes down since 23:34:10 UTC: ${B.label} (check statsd at port 8141: b), ${C.label} (check statsd at port 8142: a): start them, or see why their checks fail (and 1 more)`,
      view({ nodes: [A, down(B, "b", NOW - 1000), down(C, "a")] }, ofNode(B, "state_changes", 12)),
    ],
    [
      `warning: 1 of 3 nodes down since 23:34:10 UTC: ${C.label} (check statsd at port 8142: a): start it, or see why its check fails (and 1 more)`,
      view({ nodes: [A, B, down(C, "a")] }, ofNode(B, "state_changes", 12)),
    ],
    [
      `critical: the only node is down since 23:34:10 UTC: ${B.label} (check statsd at port 8141: a): start it, or see why its check fails`,
      view({ nodes: [down(B, "a")] }, ofNode(B, "state_changes", 12)),
    ],
    [
      `warning: 1 of 3 nodes taken out by operators since 23:34:10 UTC: ${B.label} (drained): node NAME up ends it`,
      view({ nodes: [A, setAside(B), C] }, ofNode(B, "state_changes", 12)),
    ],
    [
      `warning: 1 of 3 nodes down since 23:34:10 UTC, 40% of the names moved: ${B.label} (check statsd at port 8141: ECONNREFUSED): ` +
        "start it, or see why its check fails",
      view({ nodes: [A, down(B, "ECONNREFUSED"), C], namesMoved: 0.4 }),
    ],
    [
      `losing: 1 of 3 nodes down since 23:34:10 UTC, 363 lines dropped in 5 min: ${B.label} (check statsd at port 8141: no answer in 1 s): ` +
        'start it, or see why its check fails; "node NAME drain" passes its names on',
      view({ nodes: [A, down(B, "no answer in 1 s"), C], settings: HOLD }, ofNode(B, "held", 363)),
    ],
    [
      // All of them since the last one went.
      `critical: all 3 nodes down since 23:34:10 UTC, 1 line dropped in 5 min: ${A.label} (check statsd at port 8140: a), ` +
        `${B.label} (check statsd at port 8141: b) and 1 more: start them; if they run, look at the network of this machine`,
      view(
        { nodes: [down(A, "a", AT - 9000), down(B, "b"), down(C, "c", AT - 1)], namesMoved: 1 },
        { proxy: { no_live_node: grown(1) } },
      ),
    ],
    [
      `losing: 8 lines dropped in 5 min, since 23:34:10 UTC, the send buffer was full: ${A.label}: look at its load and its network`,
      view({}, ofNode(A, "send_buffer_full", 8)),
    ],
    [
      `losing: sending fails since 23:34:10 UTC, 5 lines dropped in 5 min: ${C.label}: look at its route and at the firewall`,
      view({}, ofNode(C, "send_error", 5)),
    ],
    [
      `losing: 70 lines or more probably lost in 5 min, since 23:34:10 UTC, refused by ${A.label}: ` +
        "nothing listens at its port for metrics: start it, or correct the port",
      view({}, ofNode(A, "lines_refused", 70)),
    ],
    [
      // It has come back since.
      `warning, lost: 8 lines or more probably lost in 5 min, 23:34:10 UTC to 23:39:50 UTC, refused by ${A.label}: ` +
        "nothing listened at its port for metrics",
      view(
        { nodes: [{ ...A, health: { ...A.health, sinceMs: NOW - 5000 } }, B, C] },
        ofNode(A, "lines_refused", 8, NOW - 10_000),
      ),
    ],
    [
      // What it was sent before is lost; the node is what is wrong now.
      `warning: 1 of 3 nodes down since 23:34:10 UTC, 40% of the names moved: ${B.label} (nobody listens at a:1): ` +
        "start it, or correct its port (and 1 more)",
      view(
        { nodes: [A, down(unchecked(B), "nobody listens at a:1"), C], namesMoved: 0.4 },
        ofNode(B, "lines_refused", 1),
      ),
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
      `critical: the only node is taken out by operators since 23:34:10 UTC, and no node is left: ${B.label} (drained): node NAME up ends it`,
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
