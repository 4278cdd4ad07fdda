/** The nodes in a frame of `top`: the columns that matter most, as far as there is room. */

import { cutName, type NameParts, namePartsOf } from "../text/nameParts.ts";
import { shareText } from "../text/quantities.ts";
import type { Sample } from "./topSample.ts";
import { countText, type FrameLine, type PerSecond, printable, rateText } from "./topText.ts";
import type { TopView } from "./topView.ts";

type SampleNode = Sample["nodes"][number];
type NodeName = keyof SampleNode["figures"];

interface NodeRow {
  readonly node: SampleNode;
  readonly rate: (name: NodeName) => number | undefined;
  readonly isLosing: boolean;
}

interface Column {
  readonly head: string;
  /** The lowest are left out last. */
  readonly priority: number;
  readonly text: (row: NodeRow) => string;
  /** Only if some node has a value other than zero. */
  readonly rare?: NodeName;
  /** Only if some node has it. */
  readonly optional?: NodeName;
}

const rateColumn = (head: string, priority: number, name: NodeName, unit = 1): Column => ({
  ...{ head, priority },
  text: ({ rate }) => {
    const value = rate(name);
    return rateText(value === undefined ? undefined : value / unit);
  },
});
const countColumn = (head: string, priority: number, name: NodeName): Column => ({
  ...{ head, priority },
  text: ({ node }) => countText(node.figures[name]),
});

const COLUMNS: readonly Column[] = [
  { head: "state", priority: 0, text: stateText },
  rateColumn("relayed/s", 1, "lines_relayed"),
  {
    ...{ head: "share", priority: 3, optional: "ring_share" },
    text: ({ node: { figures } }) => (figures.ring_share === undefined ? "-" : shareText(figures.ring_share)),
  },
  rateColumn("dropped/s", 2, "lines_dropped"),
  rateColumn("datagrams/s", 9, "datagrams_sent"),
  rateColumn("kB/s", 8, "bytes_sent", 1000),
  countColumn("pending", 6, "lines_pending"),
  countColumn("refused", 4, "lines_refused"),
  countColumn("checks failed", 5, "checks_failed"),
  { ...countColumn("send errors", 3, "send_errors"), rare: "send_errors" },
  { ...countColumn("checks skipped", 7, "checks_skipped"), rare: "checks_skipped" },
];

/** Figures of a node that make its row an alarm while they grow. */
const LOSSES: readonly NodeName[] = ["lines_dropped", "lines_refused", "send_errors", "checks_skipped"];
/** The rank of a node that is up and loses nothing. */
const UNTROUBLED = 3;
/** A name that is cut has so many characters. */
const NAME_MIN = 21;

export interface NodeTable {
  readonly before: Sample | undefined;
  readonly now: Sample;
  readonly perSecond: PerSecond;
  readonly view: TopView;
  readonly linesMax: number;
  readonly columnsMax: number;
}

export function nodeLines({ before, now, perSecond, view, linesMax, columnsMax }: NodeTable): FrameLine[] {
  const figuresBefore = new Map(before?.nodes.map(({ node, figures }) => [node, figures]));
  const rows = now.nodes.map((node): NodeRow => {
    const rate = (name: NodeName) => {
      const value = perSecond(figuresBefore.get(node.node)?.[name], node.figures[name]);
      // What it got before it went down is no rate of now.
      return value !== undefined && !node.up && name !== "lines_dropped" ? 0 : value;
    };
    return { node, rate, isLosing: LOSSES.some((name) => (rate(name) ?? 0) > 0) };
  });
  const wanted = sorted(
    rows.filter((row) => matches(row, view.filter)),
    view.sort,
  );
  const fits = wanted.length < linesMax;
  const room = fits ? wanted.length : Math.max(0, linesMax - 2);
  const offset = Math.min(view.offset, Math.max(0, wanted.length - room));
  const shown = wanted.slice(offset, offset + room);
  const lines = tableLines(shown, rows, columnsMax);
  const rest = wanted.length - shown.length;
  const troubled = wanted.slice(offset + room).filter((row) => rankOf(row) < UNTROUBLED).length;
  const place =
    offset > 0
      ? `rows ${offset + 1} to ${offset + shown.length} of ${wanted.length}`
      : `... and ${rest} more${troubled > 0 ? `, ${troubled} of them in trouble` : ""}`;
  return rest > 0 ? [...lines, { text: place, alarm: troubled > 0 }] : lines;
}

function matches(row: NodeRow, filter: string): boolean {
  const { node, isLosing } = row;
  const text = `${node.node} ${node.up ? "up" : "down"} ${stateText(row)}${isLosing ? " losing" : ""}`;
  return text.toLowerCase().includes(filter.toLowerCase());
}

function sorted(rows: readonly NodeRow[], sort: TopView["sort"]): NodeRow[] {
  switch (sort) {
    case "worst first":
      return rows.toSorted((a, b) => rankOf(a) - rankOf(b));
    case "node":
      return rows.toSorted((a, b) => a.node.node.localeCompare(b.node.node, "en", { numeric: true }));
    case "relayed/s":
      return rows.toSorted((a, b) => (b.rate("lines_relayed") ?? 0) - (a.rate("lines_relayed") ?? 0));
    case "share":
      return rows.toSorted((a, b) => (b.node.figures.ring_share ?? 0) - (a.node.figures.ring_share ?? 0));
    case "dropped/s":
      return rows.toSorted((a, b) => (b.rate("lines_dropped") ?? 0) - (a.rate("lines_dropped") ?? 0));
    default:
      return sort satisfies never;
  }
}

/** One that flaps stays in its place, whether it is up or down just now. */
function rankOf({ node, isLosing }: NodeRow): number {
  if (flaps(node)) return 1;
  return !node.up ? 0 : isLosing ? 2 : UNTROUBLED;
}

/** @param all of these, some may not be shown: columns must not come and go as rows scroll */
function tableLines(shown: readonly NodeRow[], all: readonly NodeRow[], columnsMax: number): FrameLine[] {
  const labels = all.map(({ node }) => node.node);
  const partsOf = new Map(namePartsOf(labels.map(printable)).map((parts, i) => [labels[i], parts]));
  const nameWidth = Math.max("node".length, ...labels.map(({ length }) => length));
  const possible = COLUMNS.filter(({ rare, optional }) => {
    const name = rare ?? optional;
    if (name === undefined) return true;
    return all.some(({ node }) => (rare ? (node.figures[name] ?? 0) > 0 : node.figures[name] !== undefined));
  }).map((column) => {
    const texts = shown.map((row) => column.text(row));
    return { column, texts, width: Math.max(column.head.length, ...texts.map(({ length }) => length)) };
  });
  let room = columnsMax - Math.min(nameWidth, NAME_MIN);
  const kept = new Set<Column>();
  for (const { column, width } of possible.toSorted((a, b) => a.column.priority - b.column.priority)) {
    if (room < width + 2) break;
    room -= width + 2;
    kept.add(column);
  }
  const columns = possible.filter(({ column }) => kept.has(column));
  const width = Math.min(nameWidth, Math.min(nameWidth, NAME_MIN) + room);
  const lineOf = (name: string, cells: readonly string[]) => {
    const parts = cells.map((cell, i) =>
      columns[i].column.head === "state" ? cell.padEnd(columns[i].width) : cell.padStart(columns[i].width),
    );
    return [name.padEnd(width), ...parts].join("  ").trimEnd();
  };
  return [
    {
      text: lineOf(
        "node",
        columns.map(({ column }) => column.head),
      ),
      alarm: false,
    },
    ...shown.map((row, i) => ({
      text: lineOf(
        cutName(partsOf.get(row.node.node) as NameParts, width),
        columns.map(({ texts }) => texts[i]),
      ),
      alarm: rankOf(row) < UNTROUBLED,
    })),
  ];
}

/** An operator's word is told from what the checks say. */
function stateText({ node, isLosing }: NodeRow): string {
  const { up, state, flapping } = node;
  if (flaps(node)) return `FLAPPING ${flapping?.changes}x`;
  if (up) return isLosing ? "up, losing" : "up";
  return isSetAside(node) ? `${state}`.toUpperCase() : "DOWN";
}

function isSetAside({ state }: SampleNode): boolean {
  return state === "drained" || state === "set down";
}

/** A node that an operator has taken out is no longer a trouble of that kind. */
function flaps(node: SampleNode): boolean {
  return node.flapping != null && !isSetAside(node);
}
