/** Where names belong, worked out another way than the proxy does: slowly, and with the packages of Etsy's proxy. */
import { fingerprint32 } from "farmhash";
import type { Config } from "../../src/config/config.ts";
import { HASH_RINGS } from "../support/hashrings.ts";

type OwnerOf = (name: string) => string | undefined;

/** Rings of all runs: there are few. */
const RINGS = new Map<string, OwnerOf>();
const POINTS = new Map<string, Float64Array>();
const RINGS_MAX = 2000;

/** The labels of the owners, among the nodes that are up. Names are latin1, a character a byte. */
export function ownersOf(ring: Config["ring"], nodes: Config["nodes"], isUp: readonly boolean[]): OwnerOf {
  const live = nodes.filter((_, i) => isUp[i]);
  const key = `${ring} ${live.map(({ label, weight }) => `${label}*${weight}`).join(" ")}`;
  let ownerOf = RINGS.get(key);
  if (ownerOf === undefined) {
    if (RINGS.size >= RINGS_MAX) RINGS.clear();
    ownerOf = remembering(ring === "farmhash" ? farmhashOwners(live) : hashringOwners(ring, live));
    RINGS.set(key, ownerOf);
  }
  return ownerOf;
}

function remembering(ownerOf: OwnerOf): OwnerOf {
  const owners = new Map<string, string | undefined>();
  return (name) => {
    if (owners.size > 5000) owners.clear();
    if (!owners.has(name)) owners.set(name, ownerOf(name));
    return owners.get(name);
  };
}

/** The owner of the first point from the name on; without sorting all of them together. */
function farmhashOwners(live: Config["nodes"]): OwnerOf {
  const inOrder = [...live].sort((a, b) => (a.label < b.label ? -1 : 1));
  return (name) => {
    const position = fingerprint32(Buffer.from(name, "latin1"));
    let nearest = Number.POSITIVE_INFINITY;
    let owner: string | undefined;
    for (const { label, weight } of inOrder) {
      const distance = distanceTo(pointsOf(label, weight), position);
      if (distance >= nearest) continue;
      nearest = distance;
      owner = label;
    }
    return owner;
  };
}

function pointsOf(label: string, weight: number): Float64Array {
  const key = `${label}*${weight}`;
  let points = POINTS.get(key);
  if (points === undefined) {
    points = Float64Array.from({ length: 2048 * weight }, (_, i) => fingerprint32(`${label}-${i}`)).sort();
    POINTS.set(key, points);
  }
  return points;
}

function distanceTo(points: Float64Array, position: number): number {
  let low = 0;
  let high = points.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (points[middle] < position) low = middle + 1;
    else high = middle;
  }
  return low < points.length ? points[low] - position : points[0] + 2 ** 32 - position;
}

function hashringOwners(ring: "etsy" | "ketama", live: Config["nodes"]): OwnerOf {
  if (live.length === 0) return () => undefined;
  const hashring = HASH_RINGS[ring](Object.fromEntries(live.map(({ label, weight }) => [label, 100 * weight])));
  return (name) => hashring.get(Buffer.from(name, "latin1").toString("utf8"));
}
