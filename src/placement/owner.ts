/** Owners of names: node indexes, and special values for no single node. */

/** No live node could own the name. */
export const NO_LIVE_NODE = -1;
/** Every node: lines are mirrored. */
export const EVERY_NODE = -2;

/** What operators see when a line has no single destination. Neither can be a label: config/config.ts prevents it. */
export const NO_NODE_TEXT = "-";
export const EVERY_NODE_TEXT = "*";

/** An owner as operators see it: the node's label, or one of the texts above. Allocates nothing. */
export function ownerText(owner: number, nodes: readonly { readonly label: string }[]): string {
  if (owner === EVERY_NODE) return EVERY_NODE_TEXT;
  return owner === NO_LIVE_NODE ? NO_NODE_TEXT : nodes[owner].label;
}
