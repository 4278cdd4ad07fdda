/** The answer to the box “Where does this name go?”, in words. */
import type { DestinationJson } from "../http/destinationJson.ts";
import { EVERY_NODE_TEXT, NO_NODE_TEXT } from "../placement/owner.ts";

/** A piece of a sentence: plain words, the name that was asked about, or a node's label. */
export type Words = string | { readonly name: string } | { readonly node: string };

/** Why lines are rejected, by the words of the console. */
const REJECTIONS: Readonly<Record<string, string>> = {
  no_colon: "it has no “:” behind its name",
  empty_name: "its name is empty",
  no_pipe: "it has no “|” behind its value",
  empty_type: "its type is empty",
  unknown_type: "its type is not among those that pass",
};

export function destinationWords(destination: DestinationJson, failover: string | undefined): Words[] {
  switch (destination.kind) {
    case "rejected":
      return [`Nowhere: it is no metric, ${REJECTIONS[destination.reason] ?? destination.reason}.`];
    case "routed":
      return [{ name: destination.name }, ...goesTo(destination.now, destination.all_up, failover)];
    default:
      return destination satisfies never;
  }
}

function goesTo(now: string, allUp: string, failover: string | undefined): Words[] {
  if (now === EVERY_NODE_TEXT) return [" goes to every node that is up."];
  if (now !== NO_NODE_TEXT && now === allUp) return [" goes to ", { node: now }, "."];
  if (now !== NO_NODE_TEXT) return [" goes to ", { node: now }, " until ", { node: allUp }, " is back."];
  if (failover !== "hold" || allUp === EVERY_NODE_TEXT) return [" goes nowhere: no node is up, and it is dropped."];
  return [" belongs to ", { node: allUp }, ", which is down: it is dropped until the node is back."];
}
