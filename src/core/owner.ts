/** Owners as operators see them. */
import { EVERY_NODE } from "./relay.ts";
import { NO_OWNER } from "./ring.ts";

/** The node's label; `*`: every node; `-`: none. No label is either (they are `host:port`, or a name). */
export function ownerText(owner: number, labels: readonly string[]): string {
  if (owner === EVERY_NODE) return "*";
  return owner === NO_OWNER ? "-" : labels[owner];
}
