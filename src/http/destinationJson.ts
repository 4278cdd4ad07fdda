/** Where a name goes, as JSON for the page. */
import type { Destination } from "../placement/destination.ts";

export type DestinationJson =
  /** It is not a metric, and goes nowhere. */
  | { readonly kind: "rejected"; readonly reason: string }
  | {
      readonly kind: "routed";
      readonly name: string;
      /** Position on the circle, 0 to 1; null: mirroring. */
      readonly position: number | null;
      /** Who gets its lines now, and while all nodes are up: a node's label, `*` (every node) or `-` (no live node). */
      readonly now: string;
      readonly all_up: string;
    };

export function destinationJson(asked: Buffer, destination: Destination): DestinationJson {
  if (destination.kind === "rejected") return destination;
  const { kind, nameStart, nameEnd, position, now, allUp } = destination;
  return { kind, name: asked.toString("utf8", nameStart, nameEnd), position, now, all_up: allUp };
}
