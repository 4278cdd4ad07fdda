/** What is wrong with nodes, as a verdict tells it. */

import { checkOf } from "../config/nodeCheck.ts";
import { isIP } from "../text/ip.ts";
import { counted, percentText, timeText } from "../text/quantities.ts";
import type { Counting, Grown, Recent } from "./recent.ts";
import { IN_WINDOW, isGoingOn, joined, losing, namedText, type Trouble, timesText, troubleOf } from "./trouble.ts";
import type { NodeView, View } from "./view.ts";
import { whyDown } from "./whyDown.ts";

/** A node that changes its state so often within the window is flapping. */
const CHANGES_MAX = 6;
/** Down for so long it does not flap any more: it is down. */
const DOWN_MS = 30_000;

export function nodeTroubles(view: View): Trouble[] {
  return [...nodesDown(view), ...setAside(view), ...sendingFails(view), ...refused(view), ...flapping(view)];
}

/** How often it went down or came back, if it keeps doing so: then it is in trouble, however it is at the moment. */
export function flapsOf(
  node: Pick<NodeView, "counters" | "health" | "isUp">,
  { recent, nowMs }: Pick<View, "recent" | "nowMs">,
): Grown | undefined {
  const changes = recent.nodes.get(node.counters)?.state_changes;
  if (changes === undefined || changes.amount < CHANGES_MAX || isSetAside(node)) return undefined;
  return !node.isUp && nowMs - node.health.sinceMs >= DOWN_MS ? undefined : changes;
}

function nodesDown(view: View): Trouble[] {
  const { nodes, recent, nowMs, namesMoved } = view;
  const isAll = nodes.every(({ isUp }) => !isUp);
  // Of one that flaps something else is told, which stays while it comes and goes.
  const steady = nodes.filter((node) => !isSetAside(node) && (isAll || flapsOf(node, view) === undefined));
  if (steady.every(({ isUp }) => isUp)) return pastDrops(steady, view);
  const down = nodes.filter((node) => !node.isUp && !isSetAside(node));
  const dropped = joined([isAll ? recent.proxy.no_live_node : undefined, droppedAt(steady, recent)]);
  const times = down.map(({ health }) => health.sinceMs);
  // All of them are down since the last one went.
  const sinceMs = isAll ? Math.max(...times) : Math.min(...times);
  const state = isAll ? "critical" : isGoingOn(dropped, nowMs) ? "losing" : "warning";
  const which =
    nodes.length === 1
      ? "the only node is"
      : down.length === nodes.length
        ? `all ${nodes.length} nodes`
        : `${down.length} of ${nodes.length} nodes`;
  const moved =
    isAll || namesMoved === undefined || namesMoved === 0
      ? ""
      : `, ${percentText(partOf(down, view))} of the names moved`;
  const lost = dropped === undefined ? "" : `, ${counted(dropped.amount, ...nounOf(view))} dropped ${IN_WINDOW}`;
  const why = namedText(down, (node) => whyDown(node) ?? "");
  const help = helpFor(down, isAll, view);
  const line = `${state}: ${which} down since ${timeText(sinceMs, nowMs)}${moved}${lost}: ${why}: ${help}`;
  return [{ kind: "nodes_down", state, line, sinceMs }, ...pastDrops([], view)];
}

/** What to do about nodes that are down. */
function helpFor(down: readonly NodeView[], isAll: boolean, { settings }: View): string {
  const isOne = down.length === 1;
  if (isAll && !isOne) return "start them; if they run, look at the network of this machine";
  const [them, their] = isOne ? ["it", "its"] : ["them", "their"];
  const passesOn = settings.failover === "hold" && !settings.mirror && !isAll;
  const drain = passesOn ? `; "node NAME drain" passes ${their} names on` : "";
  const [first, ...others] = down;
  const { health, config } = first;
  if (others.some((node) => faultOf(node) !== faultOf(first)))
    return `"node NAME" says what is wrong with each${drain}`;
  if (health.noAddress !== undefined) {
    const found =
      isIP(config.host) === 0
        ? `${isOne ? "host" : "hosts"}, or look at DNS and the route`
        : `${isOne ? "address" : "addresses"}, or look at the route to ${them}`;
    return `correct ${their} ${found}${drain}`;
  }
  const mend =
    checkOf(config) === undefined
      ? `correct ${their} port`
      : `see why ${their} ${isOne ? "check fails" : "checks fail"}`;
  return `start ${them}, or ${mend}${drain}`;
}

/** What kind of thing is wrong with a node that is down: each kind has its own help. */
function faultOf({ health, config }: NodeView): string {
  if (health.noAddress !== undefined) return isIP(config.host) === 0 ? "name" : "address";
  return checkOf(config) === undefined ? "port" : "check";
}

/** Part of the names that moved because of these nodes, which are some of those that get no lines. */
function partOf(out: readonly NodeView[], { nodes, namesMoved = 0 }: View): number {
  if (nodes.every((node) => node.isUp || out.includes(node))) return namesMoved;
  return out.reduce((part, { fullShare = 0 }) => part + fullShare, 0);
}

/** Lines that were due to these nodes while they were out. */
function droppedAt(nodes: readonly Counting[], recent: Recent): Grown | undefined {
  return joined(
    nodes.flatMap(({ counters }) => {
      const grown = recent.nodes.get(counters);
      return [grown?.node_down, grown?.held];
    }),
  );
}

/** An operator wants it so; without another node, or if the names are held, lines are lost all the same. */
function setAside(view: View): Trouble[] {
  const { nodes, recent, nowMs, settings } = view;
  const aside = nodes.filter(isSetAside);
  if (aside.length === 0) return [];
  const sinceMs = Math.min(...aside.map(({ health }) => health.sinceMs));
  const isAll = nodes.every(({ isUp }) => !isUp);
  const nobody = isAll ? ", and no node is left" : "";
  const which = nodes.length === 1 ? "the only node is" : `${aside.length} of ${nodes.length} nodes`;
  const how = namedText(aside, ({ health }) => health.state);
  // When mirroring, the others have a copy.
  const nodeless = aside.length === nodes.length ? recent.proxy.no_live_node : undefined;
  const dropped = joined([nodeless, settings.mirror ? undefined : droppedAt(aside, recent)]);
  const lost = dropped === undefined ? "" : `, ${counted(dropped.amount, "line")} dropped ${IN_WINDOW}`;
  const state = isAll ? "critical" : isGoingOn(dropped, nowMs) ? "losing" : "warning";
  const line = `${state}: ${which} taken out by operators since ${timeText(sinceMs, nowMs)}${nobody}${lost}: ${how}: node NAME up ends it`;
  return [{ kind: "set_aside", state, line, sinceMs }];
}

function isSetAside({ health }: Pick<NodeView, "health">): boolean {
  return health.state === "drained" || health.state === "set down";
}

/** The nodes are back, or removed, but their lines are not. */
function pastDrops(back: readonly NodeView[], { nodes, recent, nowMs, ...view }: View): Trouble[] {
  const nodeless = nodes.some(({ isUp }) => isUp) ? recent.proxy.no_live_node : undefined;
  const removed = droppedAt(recent.gone, recent);
  const dropped = joined([nodeless, droppedAt(back, recent), removed]);
  const end = removed === undefined && nodes.every(({ isUp }) => isUp) ? "; all are back" : "";
  return troubleOf("nodes_were_down", "warning", dropped, ({ amount }, when) => {
    return `warning: ${counted(amount, ...nounOf(view))} dropped ${IN_WINDOW} while nodes were down, ${when(nowMs)}${end}`;
  });
}

/** What is dropped at a node that is down. */
function nounOf({ settings }: Pick<View, "settings">): readonly [one: string, many: string] {
  return settings.mirror ? ["copy", "copies"] : ["line", "lines"];
}

function sendingFails({ nodes, recent, nowMs }: View): Trouble[] {
  const full = grownOf(nodes, recent, ({ send_buffer_full }) => send_buffer_full);
  const failed = grownOf(nodes, recent, ({ send_error, send_errors }) => send_error ?? send_errors);
  const drops = grownOf(nodes, recent, ({ send_error }) => send_error).all?.amount ?? 0;
  return [
    ...lossOf("send_buffer_full", full, nowMs, ({ amount }, when) => {
      return `${counted(amount, "line")} dropped ${IN_WINDOW}, ${when}, the send buffer was full: ${full.named}: look at its load and its network`;
    }),
    ...lossOf("send_errors", failed, nowMs, (_, when) => {
      const lost = drops === 0 ? "" : `, ${counted(drops, "line")} dropped ${IN_WINDOW}`;
      return `sending fails ${when}${lost}: ${failed.named}: look at its route and at the firewall`;
    }),
  ];
}

function refused({ nodes, recent, nowMs }: View): Trouble[] {
  const all = grownOf(nodes, recent, ({ lines_refused }) => lines_refused);
  // A node that is down gets no more lines; and what was lost before it came back is over.
  const taking = nodes.filter(({ counters, isUp, health }) => {
    const { lastMs = 0 } = recent.nodes.get(counters)?.lines_refused ?? {};
    return isUp && lastMs >= health.sinceMs;
  });
  const now = grownOf(taking, { ...recent, gone: [] }, ({ lines_refused }) => lines_refused);
  const isNow = isGoingOn(now.all, nowMs);
  const told = isNow ? now : all;
  return losing(
    "refused",
    told.all,
    nowMs,
    ({ amount }, when) => {
      const port = isNow
        ? "nothing listens at its port for metrics: start it, or correct the port"
        : "nothing listened at its port for metrics";
      return `${counted(amount, "line")} or more probably lost ${IN_WINDOW}, ${when}, refused by ${told.named}: ${port}`;
    },
    isNow,
  );
}

function flapping(view: View): Trouble[] {
  const { nodes, recent, nowMs } = view;
  const flappers = nodes.filter((node) => flapsOf(node, view) !== undefined);
  if (nodes.every(({ isUp }) => !isUp)) return [];
  const { all, named } = grownOf(flappers, { ...recent, gone: [] }, ({ state_changes }) => state_changes);
  const dropped = droppedAt(flappers, recent);
  const lost = dropped === undefined ? "" : `, ${counted(dropped.amount, ...nounOf(view))} dropped ${IN_WINDOW}`;
  const state = isGoingOn(dropped, nowMs) ? "losing" : "warning";
  return troubleOf("flapping", state, all, ({ amount }, when) => {
    return `${state}: ${named} changed between up and down ${timesText(amount)} ${IN_WINDOW}, ${when(nowMs)}${lost}: raise fall and rise, or look at it`;
  });
}

type Kinds = NonNullable<ReturnType<Recent["nodes"]["get"]>>;

/** What grew at several nodes. */
interface NodesGrown {
  readonly all: Grown | undefined;
  /** Of nodes that are still there. */
  readonly present: Grown | undefined;
  /** These nodes, the one with the most first, for people. */
  readonly named: string;
}

/** Nodes that a change of the configuration has removed are told, too. */
function grownOf(
  nodes: readonly NodeView[],
  { nodes: kindsOf, gone }: Pick<Recent, "nodes" | "gone">,
  of: (kinds: Kinds) => Grown | undefined,
): NodesGrown {
  const find = (all: readonly Counting[], note: string) =>
    all.flatMap(({ label, counters }) => {
      const kinds = kindsOf.get(counters);
      const grown = kinds && of(kinds);
      return grown === undefined ? [] : [{ label, note, grown }];
    });
  const present = find(nodes, "");
  const found = [...present, ...find(gone, "removed")].sort((a, b) => b.grown.amount - a.grown.amount);
  return {
    all: joined(found.map(({ grown }) => grown)),
    present: joined(present.map(({ grown }) => grown)),
    named: namedText(found, ({ note }) => note),
  };
}

function lossOf(
  kind: string,
  { all, present }: NodesGrown,
  nowMs: number,
  text: (grown: Grown, when: string) => string,
): Trouble[] {
  return losing(kind, all, nowMs, text, isGoingOn(present, nowMs));
}
