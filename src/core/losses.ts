/** Losses as events: said when they begin, then once a minute how many there were, for as long as they go on. */
import type { LogEvent } from "./logLimit.ts";
import { statsOf, type View } from "./stats.ts";

export const SAID_AGAIN_MS = 60_000;

/** Figures that should not grow, as they are said. Of lines dropped for a node, the node's own figure is looked at. */
const LOSSES: readonly { readonly pattern: RegExp; readonly event: string; readonly unit: string }[] = [
  { pattern: /^kernel_drops$/, event: "kernel_drops", unit: "datagrams" },
  { pattern: /^lines_rejected\.(?<reason>\w+)$/, event: "rejecting_lines", unit: "lines" },
  { pattern: /^lines_dropped\.(?<reason>no_live_node)$/, event: "dropping_lines", unit: "lines" },
  { pattern: /^node\.(?<node>.+)\.lines_dropped\.(?<reason>\w+)$/, event: "dropping_lines", unit: "lines" },
  { pattern: /^console_cut\.(?<reason>\w+)$/, event: "console_cut", unit: "connections" },
  { pattern: /^http_cut\.(?<reason>too_many|unread|slow)$/, event: "http_cut", unit: "connections" },
];

export class Losses {
  /** By the name of the figure: what it was when it was said last, and when. */
  private readonly said = new Map<string, { value: number; atMs: number }>();

  /** What there is to say now. */
  see(view: View, nowMs: number): LogEvent[] {
    const events: LogEvent[] = [];
    for (const [name, value] of statsOf(view)) {
      const before = this.said.get(name);
      if (value <= (before?.value ?? 0) || nowMs < (before?.atMs ?? Number.NEGATIVE_INFINITY) + SAID_AGAIN_MS) continue;
      for (const { pattern, event, unit } of LOSSES) {
        const found = pattern.exec(name);
        if (found === null) continue;
        const more = value - (before?.value ?? 0);
        events.push({ level: "warn", event, fields: { ...found.groups, [unit]: more, total: value } });
        this.said.set(name, { value, atMs: nowMs });
        break;
      }
    }
    return events;
  }
}
