/** Where backends are. A node that has a name may move; one without is another node when it is elsewhere. */

/** Nodes that may be in a configuration at once. */
export const NODES_MAX = 6;
/** Places that lines may go to, whichever address they have. */
export const SLOTS = 3 * NODES_MAX;

export const METRICS_PORT = 9000;
export const MANAGEMENT_PORT = 9100;

/** Of the node with a name: its two addresses. */
export function namedAddress(node: number, place: number): string {
  return `10.1.${node}.${place + 1}`;
}

export function namelessAddress(node: number, place: number): string {
  return `10.2.${node}.${place + 1}`;
}

export function hostName(node: number): string {
  return `node-${node}.example`;
}

/** What belongs to one node, whatever its address, has one number. */
export function slotOfAddress(address: string): number {
  const [, family, node, place] = address.split(".").map(Number);
  return family === 1 ? node : NODES_MAX + 2 * node + place - 1;
}

const SLOTS_OF_LABELS = new Map<string, number>();

export function slotOfLabel(label: string): number {
  let slot = SLOTS_OF_LABELS.get(label);
  if (slot === undefined) {
    slot = slotOf(label);
    SLOTS_OF_LABELS.set(label, slot);
  }
  return slot;
}

function slotOf(label: string): number {
  const named = /^n(\d)$/.exec(label);
  return named ? Number(named[1]) : slotOfAddress(label.split(":")[0]);
}
