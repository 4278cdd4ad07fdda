/** Debug mode: logs what happens to each line, and where it goes. */
import type { Log } from "../log/log.ts";
import { EVERY_NODE_TEXT, NO_NODE_TEXT } from "../placement/owner.ts";
import { REJECT_REASONS, Verdict } from "../protocol/line.ts";
import type { DropReason, NodelessDropReason } from "../relay/counters.ts";
import type { LineObserver } from "../relay/relay.ts";
import { escapeBytes } from "../text/escape.ts";

export interface LineLogParts {
  readonly log: Pick<Log, "debug">;
  /** Labels of the live nodes: a mirrored line goes to each. */
  readonly liveLabels: () => readonly string[];
  /** Why a line is dropped at this moment. */
  readonly dropReason: () => DropReason | NodelessDropReason;
}

/** Logs each line that it observes. */
export function lineLog({ log, liveLabels, dropReason }: LineLogParts): LineObserver {
  return (line, verdict, to) => {
    const text = escapeBytes(line);
    if (verdict !== Verdict.accepted) log.debug("line_rejected", { line: text, reason: REJECT_REASONS[verdict - 1] });
    else if (to === NO_NODE_TEXT) log.debug("line_dropped", { line: text, reason: dropReason() });
    else log.debug("line", { line: text, to: to === EVERY_NODE_TEXT ? liveLabels().join(" ") : to });
  };
}
