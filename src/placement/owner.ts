/** Owners of names: indexes of nodes, and what stands for them where there is no one node. */

/** No node is up that could own the name. */
export const NO_LIVE_NODE = -1;
/** Every node: lines are mirrored. */
export const EVERY_NODE = -2;

/** What operators see where a line goes to no one node. No label is either: config/config.ts sees to it. */
export const NO_NODE_TEXT = "-";
export const EVERY_NODE_TEXT = "*";

/** An owner as operators see it: the node's label, or one of the texts above. It makes no new string. */
export function ownerText(owner: number, nodes: readonly { readonly label: string }[]): string {
  if (owner === EVERY_NODE) return EVERY_NODE_TEXT;
  return owner === NO_LIVE_NODE ? NO_NODE_TEXT : nodes[owner].label;
}
