/** In debug mode: what became of each line, and of which node it is. */
import type { Config } from "../core/config.ts";
import { escapeBytes } from "../core/escape.ts";
import { REJECT_REASONS, Verdict } from "../core/line.ts";
import { EVERY_NODE, NO_OWNER } from "../core/owner.ts";
import type { LineWitness } from "../core/relay.ts";
import type { Log } from "./log.ts";

/** Says of each line what became of it. */
export function lineLog(config: Config, log: Log): LineWitness {
  const labels = config.nodes.map(({ label }) => label);
  return (line, verdict, owner) => {
    const text = escapeBytes(line);
    if (verdict !== Verdict.accepted) log.debug("line_rejected", { line: text, reason: REJECT_REASONS[verdict - 1] });
    else if (owner === NO_OWNER) log.debug("line_dropped", { line: text, reason: "no_live_node" });
    else log.debug("line", { line: text, to: owner === EVERY_NODE ? labels.join(" ") : labels[owner] });
  };
}
