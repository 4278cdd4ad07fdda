/** The placement of a configuration, with FarmHash's addon where its ring takes that. */
import { type Fingerprint32, type PlacedNode, Placement, type RingKind } from "./placement.ts";

interface Placeable {
  readonly ring: RingKind;
  readonly nodes: readonly PlacedNode[];
}

/** @throws Error with one line, if the ring is `farmhash` and the addon is damaged */
export function placementOf({ ring, nodes }: Placeable, loadFingerprint32: () => Fingerprint32): Placement {
  return new Placement(ring, nodes, fingerprintsFor(ring, loadFingerprint32));
}

/** As `placementOf`, in steps: see `Placement.steps`. */
export function placementSteps(
  { ring, nodes }: Placeable,
  loadFingerprint32: () => Fingerprint32,
  before: Placement | undefined,
): Generator<void, Placement> {
  return Placement.steps(ring, nodes, fingerprintsFor(ring, loadFingerprint32), before);
}

function fingerprintsFor(ring: RingKind, load: () => Fingerprint32): Fingerprint32 {
  return ring === "farmhash" ? load() : notNeeded;
}

const notNeeded: Fingerprint32 = () => {
  throw new Error("only the farmhash ring has fingerprints");
};
