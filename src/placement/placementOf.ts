/** The placement for a configuration, loading FarmHash's addon if the ring needs it. */
import { type Fingerprint32, type PlacedNode, Placement, type RingKind } from "./placement.ts";

/** @throws Error with a one-line message, if the ring is `farmhash` and the addon cannot be loaded */
export function placementOf(
  { ring, nodes }: { readonly ring: RingKind; readonly nodes: readonly PlacedNode[] },
  loadFingerprint32: () => Fingerprint32,
): Placement {
  return new Placement(ring, nodes, ring === "farmhash" ? loadFingerprint32() : notNeeded);
}

const notNeeded: Fingerprint32 = () => {
  throw new Error("only the farmhash ring has fingerprints");
};
