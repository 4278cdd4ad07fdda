/** Where a name goes: for people who ask, so slowly and with reasons. */
import { ANY_TYPE, Lines, REJECT_REASONS, Verdict } from "./line.ts";
import { NO_OWNER } from "./owner.ts";
import type { Placement } from "./placement.ts";
import { ownerAt, type Ring } from "./ring.ts";

/** Longer ones come in no datagram that senders make, and in no URL. */
export const ASKED_BYTES_MAX = 4096;

export type Whereabouts =
  /** It is no metric, and goes nowhere. */
  | { readonly kind: "rejected"; readonly reason: string }
  /** Mirroring. */
  | { readonly kind: "every_node"; readonly name: string }
  | { readonly kind: "no_live_node"; readonly name: string; readonly position: number }
  /** `position`: where on the circle its name lies, 0 to 1. */
  | { readonly kind: "owned"; readonly name: string; readonly position: number; readonly node: number };

export interface NameMap {
  /** Of the types that pass. */
  readonly lines: Lines;
  /** Undefined: mirroring. */
  readonly placed: { readonly placement: Placement; readonly ring: Ring } | undefined;
}

/** @param asked a name, or a whole line: what has a `|` in it */
export function whereabouts(asked: string, { lines: ofTypes, placed }: NameMap): Whereabouts {
  // A name alone is no line yet: its type is not known, so every type will do.
  const isLine = asked.includes("|");
  const bytes = Buffer.from(isLine ? asked : `${asked}:1|c`);
  const lines = isLine ? ofTypes : new Lines([ANY_TYPE], 0);
  lines.open(bytes, 0, bytes.length);
  const verdict = lines.next();
  if (verdict === Verdict.end) return { kind: "rejected", reason: "empty_name" };
  if (verdict !== Verdict.accepted) return { kind: "rejected", reason: REJECT_REASONS[verdict - 1] };
  const { nameStart, nameEnd } = lines;
  const name = bytes.toString("utf8", nameStart, nameEnd);
  if (placed === undefined) return { kind: "every_node", name };
  const point = placed.placement.position(bytes, nameStart, nameEnd);
  const position = point / 2 ** 32;
  const node = ownerAt(placed.ring, point);
  return node === NO_OWNER ? { kind: "no_live_node", name, position } : { kind: "owned", name, position, node };
}

/** The owner of each of `count` equal parts of the circle, at its middle: a picture of the ring. */
export function ringPicture(ring: Ring, count: number): number[] {
  return Array.from({ length: count }, (_, i) => ownerAt(ring, Math.floor(((i + 0.5) / count) * 2 ** 32)));
}
