/** Where a name goes: the one answer for everyone who asks, at the console, on the page and on the command line. */
import { ANY_TYPE, Lines, REJECT_REASONS, type RejectReason, Verdict } from "../protocol/line.ts";
import { EVERY_NODE, NO_OWNER } from "./owner.ts";
import type { Placement } from "./placement.ts";
import { ownerAt, type Ring } from "./ring.ts";

const LF = 0x0a;
const CR = 0x0d;
const COLON = 0x3a;
const PIPE = 0x7c;
/** What makes a line of a name. */
const REST = Buffer.from(":1|c");

export type Whereabouts =
  /** It is no metric, and goes nowhere. */
  | { readonly kind: "rejected"; readonly reason: RejectReason }
  | {
      readonly kind: "routed";
      /** Half-open bounds of what it is routed by. */
      readonly nameStart: number;
      readonly nameEnd: number;
      /** Where on the circle the name lies, 0 to 1; null when mirroring. */
      readonly position: number | null;
      /** Index of the node that gets its lines now; `NO_OWNER`: they are dropped; `EVERY_NODE`: mirroring. */
      readonly now: number;
      /** Index of the node that owns it while all nodes are up; `EVERY_NODE`: mirroring. */
      readonly allUp: number;
    };

export interface NameMap {
  /** The types that pass. */
  readonly types: readonly string[];
  /** Undefined: mirroring. `ring`: the one that names are looked up on now. */
  readonly placed: { readonly placement: Placement; readonly ring: Ring } | undefined;
  /** Whether each node is up. */
  readonly isUp: readonly boolean[];
}

/**
 * @param asked a whole line, which is what has a `|` in it, and is judged as one that arrives; or a name, or the
 * beginning of a line: its type is not known, so every type will do
 */
export function whereabouts(asked: Buffer, map: NameMap): Whereabouts {
  if (asked.includes(PIPE)) return ofLine(asked, map.types, map);
  const isName = !asked.includes(COLON) && !asked.includes(LF) && !asked.includes(CR);
  return isName ? routed(asked, 0, asked.length, map) : ofLine(Buffer.concat([asked, REST]), [ANY_TYPE], map);
}

/** The owner of each of `count` equal parts of the circle, at its middle: a picture of the ring. */
export function ringPicture(ring: Ring, count: number): number[] {
  return Array.from({ length: count }, (_, i) => ownerAt(ring, Math.floor(((i + 0.5) / count) * 2 ** 32)));
}

function ofLine(line: Buffer, types: readonly string[], map: NameMap): Whereabouts {
  const lines = new Lines(types, 0);
  lines.open(line, 0, line.length);
  const verdict = lines.next();
  if (verdict === Verdict.accepted) return routed(line, lines.nameStart, lines.nameEnd, map);
  return { kind: "rejected", reason: verdict === Verdict.end ? "empty_name" : REJECT_REASONS[verdict - 1] };
}

function routed(bytes: Buffer, start: number, end: number, { placed, isUp }: NameMap): Whereabouts {
  if (start === end) return { kind: "rejected", reason: "empty_name" };
  const name = { kind: "routed", nameStart: start, nameEnd: end } as const;
  if (placed === undefined) {
    return { ...name, position: null, now: isUp.includes(true) ? EVERY_NODE : NO_OWNER, allUp: EVERY_NODE };
  }
  const { placement, ring } = placed;
  const point = placement.position(bytes, start, end);
  const owner = ownerAt(ring, point);
  // With `failover: hold` a node that is down keeps its names.
  const now = owner !== NO_OWNER && isUp[owner] ? owner : NO_OWNER;
  const allUp = ring === placement.full ? owner : ownerAt(placement.full, point);
  return { ...name, position: point / 2 ** 32, now, allUp };
}
