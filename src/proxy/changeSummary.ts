/** What a change of the configuration does, for people: in the log, on the console, and before it is made. */
import { changedKeys, changedNodeKeys } from "../config/changes.ts";
import type { Config } from "../config/config.ts";
import type { Problem } from "../config/problem.ts";
import { movedPercent } from "../engine/healthEvents.ts";
import type { LogFields } from "../log/logfmt.ts";
import { type LabelledRing, movedShare } from "../placement/movedShare.ts";
import { listText } from "../text/list.ts";
import { shareText } from "../text/quantities.ts";

export interface ChangeSummary {
  /** Top-level keys whose values differ, without `nodes`. */
  readonly keys: readonly string[];
  /** Labels of nodes. */
  readonly added: readonly string[];
  readonly removed: readonly string[];
  /** In both, with other settings. */
  readonly changed: readonly string[];
  /** The part of the names that get another owner while all nodes are up; undefined: mirroring, before or after. */
  readonly namesMoved: number | undefined;
  /** Every name moves, to all nodes or from them. */
  readonly mirroring?: "begins" | "ends" | undefined;
}

/** Of the configuration that is in force. */
export const NOTHING: ChangeSummary = { keys: [], added: [], removed: [], changed: [], namesMoved: undefined };

/** Whether a change was made: else there are problems instead. */
export function isSummary(result: ChangeSummary | readonly Problem[]): result is ChangeSummary {
  return !Array.isArray(result);
}

/** Labels that are named, of each kind. */
const LABELS_MAX = 10;

/** @param rings of all nodes, where there is one */
export function changeSummary(
  before: Config,
  after: Config,
  rings: { readonly before: LabelledRing | undefined; readonly after: LabelledRing | undefined },
): ChangeSummary {
  const known = new Map(before.nodes.map((node) => [node.label, node]));
  const wanted = new Set(after.nodes.map(({ label }) => label));
  return {
    keys: changedKeys(before, after).flatMap(({ key }) => (key === "nodes" ? [] : [key])),
    added: after.nodes.flatMap(({ label }) => (known.has(label) ? [] : [label])),
    removed: before.nodes.flatMap(({ label }) => (wanted.has(label) ? [] : [label])),
    changed: after.nodes.flatMap((node) => {
      const node0 = known.get(node.label);
      return node0 !== undefined && changedNodeKeys(node0, node).length > 0 ? [node.label] : [];
    }),
    namesMoved: rings.before && rings.after && movedShare(rings.before, rings.after),
    mirroring: before.mirror === after.mirror ? undefined : after.mirror ? "begins" : "ends",
  };
}

/** As fields of a log event. */
export function summaryFields({ keys, added, removed, changed, namesMoved, mirroring }: ChangeSummary): LogFields {
  const lists = { keys, nodes_added: added, nodes_removed: removed, nodes_changed: changed };
  const present = Object.entries(lists).filter(([, all]) => all.length > 0);
  return {
    ...(present.length === 0 ? { changed: "nothing" } : {}),
    ...Object.fromEntries(present.map(([name, all]) => [name, listText(all, LABELS_MAX)])),
    ...movedPercent(namesMoved),
    ...(mirroring === undefined ? {} : { mirroring }),
  };
}

/** What is told of a change that was made. */
export function reloadedText(summary: ChangeSummary): string {
  const lines = summaryLines(summary);
  return lines.length === 0 ? "reloaded: nothing changes\n" : `reloaded\n${lines.join("\n")}\n`;
}

/** For people to read. None: nothing changes. */
export function summaryLines({ keys, added, removed, changed, namesMoved, mirroring }: ChangeSummary): string[] {
  const lists = { "nodes added": added, "nodes removed": removed, "nodes changed": changed, "keys changed": keys };
  const present = Object.entries(lists).filter(([, all]) => all.length > 0);
  const lines = present.map(([name, all]) => `${name}: ${listText(all, LABELS_MAX, ", ")}`);
  if (lines.length === 0) return [];
  if (mirroring !== undefined) return [...lines, `names that move: every name (mirroring ${mirroring})`];
  return namesMoved === undefined ? lines : [...lines, `names that move: ${shareText(namesMoved)}`];
}
