/** In debug mode: what became of each line, and of which node it is. */
import type { Config } from "../config/config.ts";
import type { Log } from "../log/log.io.ts";
import { EVERY_NODE, NO_LIVE_NODE } from "../placement/owner.ts";
import { REJECT_REASONS, Verdict } from "../protocol/line.ts";
import type { LineObserver } from "../relay/relay.ts";
import { escapeBytes } from "../text/escape.ts";

/** Says of each line what became of it. */
export function lineLog(config: Config, log: Log): LineObserver {
  const labels = config.nodes.map(({ label }) => label);
  return (line, verdict, owner) => {
    const text = escapeBytes(line);
    if (verdict !== Verdict.accepted) log.debug("line_rejected", { line: text, reason: REJECT_REASONS[verdict - 1] });
    else if (owner === NO_LIVE_NODE) log.debug("line_dropped", { line: text, reason: "no_live_node" });
    else log.debug("line", { line: text, to: owner === EVERY_NODE ? labels.join(" ") : labels[owner] });
  };
}
