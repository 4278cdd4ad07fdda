/** What the console and HTTP are asked about: a proxy that always has the same to tell. */
import { readConfig } from "../../src/config/config.ts";
import type { ConsoleContext, Stream } from "../../src/console/commands.ts";
import type { HttpContext } from "../../src/http/answers.ts";
import { History } from "../../src/observe/history.ts";
import type { Destination } from "../../src/placement/destination.ts";
import { BENCH_LABELS, RelayBench } from "../support/relayBench.ts";
import { IDENTITY } from "../support/viewParts.ts";

const bench = new RelayBench({});
bench.receive("a:1|c\nbad");
const view = bench.view();
const { config } = readConfig(JSON.stringify({ nodes: view.nodes.map(({ config: { label, ...node } }) => node) }));
if (config === undefined) throw new Error("the configuration is good");
const source = { ...IDENTITY, nowMs: 9000, config, health: "up" as const, view, healthChanges: [] };
const history = new History();
history.record(1000, 1001, 0, { received: 1, relayed: 1, rejected: 0, dropped: 0, kernel_drops: 0 } as never);
const [now, allUp] = BENCH_LABELS;

function destinationOf(asked: Buffer): Destination {
  if (asked.length === 0) return { kind: "rejected", reason: "empty_name" };
  return { kind: "routed", nameStart: 0, nameEnd: asked.length, position: 0.25, now, allUp };
}

/** A console of its own for each case: commands change it. */
export function consoleContext(tap: () => Stream | undefined): ConsoleContext {
  return {
    config: source.config,
    view: () => view,
    source: () => source,
    memory: () => ({ heapUsedBytes: 1, heapCapacityBytes: 2, residentBytes: 3, objects: 4 }),
    destinationOf,
    tap,
    names: tap,
    setNode: () => undefined,
    reload: undefined,
    health: "up",
  };
}

export const httpContext: HttpContext = {
  build: { version: "1.2.3" },
  page: { html: `<!doctype html>${"<p>naïve</p>".repeat(2000)}`, contentSecurityPolicy: "default-src 'self'" },
  source: () => source,
  history,
  destinationOf,
};
