/**
 * Where a name goes: one answer for the console, the page and the command line. Nodes are identified by label, because
 * an index means another node once nodes have come or gone.
 */
import { ANY_TYPE, Lines, REJECT_REASONS, type RejectReason, Verdict } from "../protocol/line.ts";
import { EVERY_NODE_TEXT, NO_LIVE_NODE, NO_NODE_TEXT, ownerText } from "./owner.ts";
import type { Placement } from "./placement.ts";
import { ownerAt, type Ring } from "./ring.ts";

const LF = 0x0a;
const CR = 0x0d;
const COLON = 0x3a;
const PIPE = 0x7c;
/** Turns a name into a line. */
const REST = Buffer.from(":1|c");

export type Destination =
  /** It is not a metric, and goes nowhere. */
  | { readonly kind: "rejected"; readonly reason: RejectReason }
  | {
      readonly kind: "routed";
      /** Half-open bounds of the part that decides the route. */
      readonly nameStart: number;
      readonly nameEnd: number;
      /** Position of the name on the circle, 0 to 1; null when mirroring. */
      readonly position: number | null;
      /** Label of the node that gets its lines now; `-`: none, they are dropped; `*`: every live node. */
      readonly now: string;
      /** Label of the node that owns it while all nodes are up; `*`: every node. */
      readonly allUp: string;
    };

/** What decides where names go. */
export interface Routing {
  /** The accepted types. */
  readonly types: readonly string[];
  /** Undefined: mirroring. `ring`: the current ring; its owners are indexes of `nodes`. */
  readonly placed: { readonly placement: Placement; readonly ring: Ring } | undefined;
  readonly nodes: readonly RoutedNode[];
}

export interface RoutedNode {
  readonly label: string;
  readonly isUp: boolean;
}

/**
 * @param asked a whole line (it contains a `|`), which is checked like one that arrives; or a name or the beginning of
 * a line, whose type is unknown, so any type is accepted
 */
export function destinationOf(asked: Buffer, routing: Routing): Destination {
  if (asked.includes(PIPE)) return ofLine(asked, routing.types, routing);
  const isName = !asked.includes(COLON) && !asked.includes(LF) && !asked.includes(CR);
  return isName ? routed(asked, 0, asked.length, routing) : ofLine(Buffer.concat([asked, REST]), [ANY_TYPE], routing);
}

function ofLine(line: Buffer, types: readonly string[], routing: Routing): Destination {
  const lines = new Lines(types);
  lines.open(line, 0, line.length);
  const verdict = lines.next();
  if (verdict === Verdict.accepted) return routed(line, lines.nameStart, lines.nameEnd, routing);
  return { kind: "rejected", reason: verdict === Verdict.end ? "empty_name" : REJECT_REASONS[verdict - 1] };
}

function routed(bytes: Buffer, start: number, end: number, { placed, nodes }: Routing): Destination {
  if (start === end) return { kind: "rejected", reason: "empty_name" };
  const name = { kind: "routed", nameStart: start, nameEnd: end } as const;
  if (placed === undefined) {
    return { ...name, position: null, now: nodes.some(isUp) ? EVERY_NODE_TEXT : NO_NODE_TEXT, allUp: EVERY_NODE_TEXT };
  }
  const { placement, ring } = placed;
  const point = placement.position(bytes, start, end);
  const owner = ownerAt(ring, point);
  // With `failover: hold` a node that is down keeps its names.
  const now = owner !== NO_LIVE_NODE && nodes[owner].isUp ? nodes[owner].label : NO_NODE_TEXT;
  const allUp = ownerText(ring === placement.full ? owner : ownerAt(placement.full, point), nodes);
  return { ...name, position: point / 2 ** 32, now, allUp };
}

function isUp(node: RoutedNode): boolean {
  return node.isUp;
}
