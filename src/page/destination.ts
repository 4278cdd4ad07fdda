/** The answer to “Where does this name go?”, in words. */
import type { DestinationJson } from "../http/destinationJson.ts";
import { EVERY_NODE_TEXT, NO_NODE_TEXT } from "../placement/owner.ts";

/** Part of a sentence: plain words, the name in question, or a node's label. */
export type Words = string | { readonly name: string } | { readonly node: string };

/** Why lines are rejected, by the console's reasons. */
const REJECTIONS: Readonly<Record<string, string>> = {
  no_colon: "it has no “:” after its name",
  empty_name: "its name is empty",
  no_pipe: "it has no “|” after its value",
  empty_type: "its type is empty",
  unknown_type: "its type is not accepted",
};

export function destinationWords(destination: DestinationJson, failover: string | undefined): Words[] {
  switch (destination.kind) {
    case "rejected":
      return [`Nowhere: it is not a metric, ${REJECTIONS[destination.reason] ?? destination.reason}.`];
    case "routed":
      return [{ name: destination.name }, ...goesTo(destination.now, destination.all_up, failover)];
    default:
      return destination satisfies never;
  }
}

function goesTo(now: string, allUp: string, failover: string | undefined): Words[] {
  if (now === EVERY_NODE_TEXT) return [" goes to every live node."];
  if (now !== NO_NODE_TEXT && now === allUp) return [" goes to ", { node: now }, "."];
  if (now !== NO_NODE_TEXT) return [" goes to ", { node: now }, " until ", { node: allUp }, " is back."];
  if (failover !== "hold" || allUp === EVERY_NODE_TEXT)
    return [" goes nowhere: there is no live node, and it is dropped."];
  return [" belongs to ", { node: allUp }, ", which is down: it is dropped until the node is back."];
}
