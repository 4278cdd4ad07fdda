/** Where names belong on the proxy's own ring, without its locator, cache and health. */

import { loadFingerprint32 } from "../../src/placement/farmhash.io.ts";
import { Placement, type RingKind } from "../../src/placement/placement.ts";
import { ownerAt } from "../../src/placement/ring.ts";

interface Address {
  readonly host: string;
  readonly port: number;
}

/** The owner of a name, as an index of `nodes`, while the nodes of `isUp` are up; for lines see `nameOf`. */
export function ownersAmong(nodes: readonly Address[], isUp = nodes.map(() => true), kind: RingKind = "farmhash") {
  const placed = nodes.map(({ host, port }) => ({ label: `${host}:${port}`, weight: 1 }));
  const placement = new Placement(kind, placed, loadFingerprint32());
  const ring = placement.live(isUp);
  return (name: string): number => {
    const bytes = Buffer.from(name, "latin1");
    return ownerAt(ring, placement.position(bytes, 0, bytes.length));
  };
}

/** The name of a plain line. */
export function nameOf(line: string): string {
  return line.slice(0, line.indexOf(":"));
}
