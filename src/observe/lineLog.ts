/** In debug mode: what became of each line, and where it goes. */
import type { Log } from "../log/log.io.ts";
import { EVERY_NODE_TEXT, NO_NODE_TEXT } from "../placement/owner.ts";
import { REJECT_REASONS, Verdict } from "../protocol/line.ts";
import type { LineObserver } from "../relay/relay.ts";
import { escapeBytes } from "../text/escape.ts";

/** Says of each line what became of it. @param labels of the nodes that there are now: a mirrored line goes to each */
export function lineLog(log: Pick<Log, "debug">, labels: () => readonly string[]): LineObserver {
  return (line, verdict, to) => {
    const text = escapeBytes(line);
    if (verdict !== Verdict.accepted) log.debug("line_rejected", { line: text, reason: REJECT_REASONS[verdict - 1] });
    else if (to === NO_NODE_TEXT) log.debug("line_dropped", { line: text, reason: "no_live_node" });
    else log.debug("line", { line: text, to: to === EVERY_NODE_TEXT ? labels().join(" ") : to });
  };
}
