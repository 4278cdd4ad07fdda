/** The proxy's verdict as the page and its title show it; and what they show while there is no answer. */
import type { StatusJson, VerdictJson } from "../observe/statusJson.ts";
import { clockText, durationText } from "./format.ts";

interface ShownTrouble {
  readonly state: "good" | "fair" | "bad";
  /** With its mark. */
  readonly line: string;
}

export interface ShownVerdict extends ShownTrouble {
  readonly title: string;
  /** Besides the worst. */
  readonly others: readonly ShownTrouble[];
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

export function shownVerdict(status: Pick<StatusJson, "verdict" | "host_name" | "config">): ShownVerdict {
  const { verdict, host_name, config } = status;
  const reasons = config.last_failure?.reasons.slice(1) ?? [];
  const shown = verdict.troubles.map(({ kind, state, line }): ShownTrouble => {
    // Its line has the first reason.
    const more = kind === "reload_failed" ? reasons.map((reason) => `; ${reason}`).join("") : "";
    return { state: STATES[state], line: `${MARKS[STATES[state]]} ${line}${more}` };
  });
  const whole = { state: STATES[verdict.state], line: `${MARKS[STATES[verdict.state]]} ${verdict.line}` };
  // All are listed, so the worst need not say how many others there are.
  const [worst = whole, ...others] = shown;
  return { ...worst, title: `${whole.line} · statsd-proxy ${host_name}`, others };
}

/** Of a page that nobody sees, and that does not ask: no news, neither good nor bad. @param lastMs of the last answer */
export function pausedTitle({ title }: ShownVerdict, lastMs: number, nowMs: number): string {
  const [, ...words] = title.split(" ");
  return `(paused at ${clockText(lastMs, nowMs)}) ○ ${words.join(" ")}`;
}

/** @param lastMs of the last answer; undefined: there was none */
export function noAnswer(lastMs: number | undefined, nowMs: number, hostName: string): ShownVerdict {
  const period = lastMs === undefined ? "" : ` for ${durationText((nowMs - lastMs) / 1000)}`;
  const figures = lastMs === undefined ? "" : `: the figures are those of ${clockText(lastMs, nowMs)}`;
  const line = `✕ no answer${period}`;
  return { state: "bad", line: line + figures, title: `${line} · statsd-proxy ${hostName}`.trim(), others: [] };
}
