/** One thing that is wrong: what the lines of a verdict are made of. */
import { timeText, wholeText } from "../text/quantities.ts";
import { type Grown, WINDOW_MS } from "./recent.ts";

/** From the worst to the best. `drained`: an operator wants it so. */
export const VERDICT_STATES = ["critical", "losing", "drained", "warning", "ok"] as const;
export type VerdictState = (typeof VERDICT_STATES)[number];

export interface Trouble {
  readonly kind: string;
  readonly state: VerdictState;
  readonly line: string;
  /** Undefined: not known. */
  readonly sinceMs: number | undefined;
}

/** A loss that has ended a minute ago is no longer happening. */
const OVER_MS = 60_000;
/** Nodes that a line names. */
const NAMED_MAX = 2;
export const IN_WINDOW = `in ${WINDOW_MS / 60_000} min`;

export function isGoingOn(grown: Grown | undefined, nowMs: number): boolean {
  return grown !== undefined && nowMs - grown.lastMs < OVER_MS;
}

export function joined(all: readonly (Grown | undefined)[]): Grown | undefined {
  const found = all.filter((grown) => grown !== undefined);
  if (found.length === 0) return undefined;
  return {
    amount: found.reduce((sum, { amount }) => sum + amount, 0),
    sinceMs: Math.min(...found.map(({ sinceMs }) => sinceMs)),
    lastMs: Math.max(...found.map(({ lastMs }) => lastMs)),
  };
}

/** Nothing, if nothing has grown. */
export function troubleOf(
  kind: string,
  state: VerdictState,
  grown: Grown | undefined,
  line: (grown: Grown, when: (nowMs: number) => string) => string,
): Trouble[] {
  if (grown === undefined) return [];
  return [{ kind, state, line: line(grown, (nowMs) => whenText(grown, nowMs)), sinceMs: grown.sinceMs }];
}

/** A loss, or one that is over. */
export function losing(
  kind: string,
  grown: Grown | undefined,
  nowMs: number,
  text: (grown: Grown, when: string) => string,
  isNow = isGoingOn(grown, nowMs),
): Trouble[] {
  if (grown === undefined) return [];
  const line = `${isNow ? "losing" : "warning, lost"}: ${text(grown, whenText(grown, nowMs, isNow))}`;
  return [{ kind, state: isNow ? "losing" : "warning", line, sinceMs: grown.sinceMs }];
}

/** Since when; and until when, if it is over. */
function whenText(grown: Grown, nowMs: number, isNow = isGoingOn(grown, nowMs)): string {
  const from = timeText(grown.sinceMs, nowMs);
  if (isNow) return `since ${from}`;
  return grown.sinceMs === grown.lastMs ? `at ${from}` : `${from} to ${timeText(grown.lastMs, nowMs)}`;
}

export function timesText(amount: number): string {
  return amount === 1 ? "once" : `${wholeText(amount)} times`;
}

/** The first few nodes, each with a note if there is one, and how many others there are. */
export function namedText<Node extends { readonly label: string }>(
  nodes: readonly Node[],
  noteOf: (node: Node) => string = () => "",
): string {
  const named = nodes.slice(0, NAMED_MAX).map((node) => {
    const note = noteOf(node);
    return note === "" ? node.label : `${node.label} (${note})`;
  });
  const more = nodes.length - named.length;
  return `${named.join(", ")}${more > 0 ? ` and ${more} more` : ""}`;
}
