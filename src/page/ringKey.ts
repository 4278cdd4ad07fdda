/** Tells whether a picture of the ring is still up to date. */
import type { RingJson } from "../http/ringJson.ts";
import type { StatusJson } from "../observe/statusJson.ts";

/** Everything in `/stats.json` that affects the ring, as text: when it changes, the picture must be redrawn. */
export function ringKey({ started_at_ms, mirror, ring, failover, nodes }: StatusJson): string {
  const ofNodes = nodes.map(({ node, up, figures }) => [node, up, figures.ring_share]);
  return JSON.stringify([started_at_ms, mirror, ring, failover, ofNodes]);
}

/** Whether two answers refer to the same nodes: some may have come or gone in between. */
export function isRingOf(ring: RingJson, { nodes }: StatusJson): boolean {
  return ring.nodes.length === nodes.length && nodes.every(({ node }, i) => node === ring.nodes[i]);
}
