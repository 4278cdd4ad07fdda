/** Whether a picture of the ring is still that of the proxy's ring. */
import type { RingJson } from "../http/ringJson.ts";
import type { StatusJson } from "../observe/statusJson.ts";

/** All that `/stats.json` says of the ring: once that is another text, the picture is to be drawn again. */
export function ringKey({ started_at_ms, mirror, ring, failover, nodes }: StatusJson): string {
  const ofNodes = nodes.map(({ node, up, figures }) => [node, up, figures.ring_share]);
  return JSON.stringify([started_at_ms, mirror, ring, failover, ofNodes]);
}

/** Whether two answers speak of the same nodes: some may have come or gone in between. */
export function isRingOf(ring: RingJson, { nodes }: StatusJson): boolean {
  return ring.nodes.length === nodes.length && nodes.every(({ node }, i) => node === ring.nodes[i]);
}
