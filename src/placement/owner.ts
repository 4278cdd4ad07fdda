/** Owners of names: indexes of nodes, and what stands for them where there is no one node. */

/** No node: none is up, or the one that would be is not and keeps its names. */
export const NO_OWNER = -1;
/** Every node: lines are mirrored. */
export const EVERY_NODE = -2;

/** As operators see an owner. The node's label; `*`: every node; `-`: none. No label is either. */
export function ownerText(owner: number, labels: readonly string[]): string {
  if (owner === EVERY_NODE) return "*";
  return owner === NO_OWNER ? "-" : labels[owner];
}
