/** The proxy's verdict as the page and its title show it; and what they show while there is no answer. */
import type { StatusJson, VerdictJson } from "../observe/statusJson.ts";
import { clockText, durationText } from "./format.ts";

export interface ShownVerdict {
  readonly state: "good" | "fair" | "bad";
  readonly line: string;
  readonly title: string;
  /** Besides the worst. */
  readonly others: readonly string[];
}

const STATES: Readonly<Record<VerdictJson["state"], ShownVerdict["state"]>> = {
  critical: "bad",
  losing: "bad",
  drained: "fair",
  warning: "fair",
  ok: "good",
};
const MARKS = { good: "●", fair: "▲", bad: "✕" } as const;

/** An answer is due every second: without one for so long, nothing that is shown is fresh. */
export const FRESH_MS = 3000;

export function shownVerdict({ verdict, host_name }: Pick<StatusJson, "verdict" | "host_name">): ShownVerdict {
  const state = STATES[verdict.state];
  const line = `${MARKS[state]} ${verdict.line}`;
  const others = verdict.troubles.slice(1).map((trouble) => trouble.line);
  return { state, line, title: `${line} · statsd-proxy ${host_name}`, others };
}

/** @param lastMs of the last answer; undefined: there was none */
export function noAnswer(lastMs: number | undefined, nowMs: number, hostName: string): ShownVerdict {
  const period = lastMs === undefined ? "" : ` for ${durationText((nowMs - lastMs) / 1000)}`;
  const figures = lastMs === undefined ? "" : `: the figures are those of ${clockText(lastMs, nowMs)}`;
  const line = `✕ no answer${period}`;
  return { state: "bad", line: line + figures, title: `${line} · statsd-proxy ${hostName}`.trim(), others: [] };
}
