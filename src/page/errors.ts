/** Errors, in words. */
import { counted } from "../text/quantities.ts";
import { countText } from "./format.ts";

type Figures = Readonly<Record<string, number>>;

const NODE_ERRORS: readonly (readonly [name: string, one: string, how: string])[] = [
  ["lines_dropped", "line", " dropped"],
  ["send_errors", "send error", ""],
  ["lines_refused", "line", " refused"],
  ["checks_failed", "check", " failed"],
  ["checks_skipped", "check", " skipped"],
];

const REPORT = "(please report them with the log)";

/** Things that should never happen, or that hide something from readers of the log or the figures. */
const PROXY_ERRORS: readonly (readonly [name: string, what: string])[] = [
  ["internal_errors", `internal errors ${REPORT}`],
  ["invariant_violations", `accounting errors ${REPORT}`],
  ["log_lines_lost", "log lines lost because nobody read them"],
  ["lines_self_dropped", "lines of its own metrics dropped"],
];

export interface NodeErrors {
  readonly errors: readonly string[];
  readonly errorCount: number;
}

/** @param now what grows now: it comes first */
export function errorsOf(figures: Figures, now: readonly string[]): NodeErrors {
  const found = NODE_ERRORS.filter(([name]) => figures[name] > 0).toSorted(
    ([a], [b]) => Number(now.includes(b)) - Number(now.includes(a)),
  );
  return {
    errors: found.map(([name, one, how]) => counted(figures[name], one) + how),
    errorCount: found.reduce((sum, [name]) => sum + figures[name], 0),
  };
}

/** Empty if there are none. */
export function proxyErrorsText(figures: Figures): string {
  const found = PROXY_ERRORS.filter(([name]) => figures[name] > 0);
  const counts = found.map(([name, what]) => `${what}: ${countText(figures[name])}`).join(" · ");
  return counts === "" ? "" : `✕ since the start: ${counts}`;
}
