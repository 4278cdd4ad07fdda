/** The columns of the table of nodes, and what a row shows in each. */
import type { NodeJson } from "../observe/statusJson.ts";
import type { NameParts } from "../text/nameParts.ts";
import type { NodeErrors } from "./errors.ts";
import { countText, durationText, millisecondsText, numberText } from "./format.ts";
import type { ShownState } from "./nodeState.ts";

export interface Column {
  readonly title: string;
  readonly isNumber?: true;
  /** The large ones are the interesting ones, and come first at the first click. */
  readonly isLargeFirst?: true;
  /** CSS class of its cells. */
  readonly style?: string;
  /** Sort key of a row. */
  readonly key: (row: RowView) => number | string;
  readonly show: (cell: Cell, row: RowView) => void;
}

export interface RowView extends NodeErrors {
  readonly index: number;
  readonly node: NodeJson;
  readonly name: NameParts;
  readonly state: ShownState;
  /** It loses something now. */
  readonly isLosing: boolean;
  readonly nowMs: number;
  readonly mirror: boolean;
  /** Share of what is being relayed; undefined while nothing is. */
  readonly trafficShare: number | undefined;
}

/** What a cell can show. */
interface Cell {
  setTexts(main: string, sub: string): void;
  /** A node's number and name. */
  setName(number: number, name: NameParts, sub: string): void;
  /** Marks its main text with this class. */
  mark(name: string): void;
  /** With a bar on a scale of the whole. */
  part(part: number): void;
}

export const COLUMNS: readonly Column[] = [
  {
    title: "Node",
    key: ({ index }) => index,
    show: (cell, { index, node, name }) =>
      cell.setName(index + 1, name, node.address === node.node ? "" : node.address),
  },
  {
    title: "State",
    key: ({ state }) => state.rank,
    show: (cell, { state }) => {
      cell.mark(`state ${state.look}`);
      cell.setTexts(state.text, state.more);
    },
  },
  {
    title: "Last check",
    key: ({ node }) => node.last_check?.duration_ms ?? -1,
    show: (cell, { node, nowMs }) => {
      const check = node.last_check;
      if (node.no_address !== null) cell.setTexts(node.no_address, "");
      else if (check === null) cell.setTexts(node.checked ? "none yet" : "no check", "");
      else {
        const result = check.result === "up" ? "passed" : check.result;
        cell.setTexts(
          result,
          `in ${millisecondsText(check.duration_ms)}, ${durationText((nowMs - check.at_ms) / 1000)} ago`,
        );
      }
    },
  },
  {
    title: "Rate",
    isNumber: true,
    key: ({ node }) => node.rate ?? -1,
    show: (cell, { node }) =>
      cell.setTexts(
        node.rate === null ? "–" : `${numberText(node.rate)}/s`,
        `${countText(node.figures.lines_relayed ?? 0)} in all`,
      ),
  },
  {
    title: "Share of the ring",
    isNumber: true,
    style: "of-ring",
    key: ({ node, mirror }) => (mirror ? 1 : node.figures.ring_share),
    show: (cell, { node, mirror }) => {
      if (mirror) cell.setTexts("every metric", "");
      else cell.part(node.figures.ring_share);
    },
  },
  {
    title: "Share of the traffic",
    isNumber: true,
    key: ({ trafficShare }) => trafficShare ?? -1,
    show: (cell, { trafficShare }) => {
      if (trafficShare === undefined) cell.setTexts("–", "");
      else cell.part(trafficShare);
    },
  },
  {
    title: "Errors",
    isLargeFirst: true,
    key: ({ errorCount }) => errorCount,
    show: (cell, { errors, isLosing }) => {
      const [first = "none", ...rest] = errors;
      cell.mark(isLosing ? "fair" : "");
      cell.setTexts(isLosing ? `▲ ${first}` : first, rest.join(", "));
    },
  },
];
