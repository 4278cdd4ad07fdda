/** The placement of a configuration, with the addon where its ring needs it. */
import type { Config } from "../config/config.ts";
import { loadFingerprint32 } from "./farmhash.io.ts";
import { type Fingerprint32, Placement } from "./placement.ts";

/** @throws Error with one line, if the ring is `farmhash` and the addon cannot be loaded */
export function placementOf({ ring, nodes }: Config): Placement {
  return new Placement(ring, nodes, ring === "farmhash" ? loadFingerprint32() : notNeeded);
}

const notNeeded: Fingerprint32 = () => {
  throw new Error("only the farmhash ring has fingerprints");
};
