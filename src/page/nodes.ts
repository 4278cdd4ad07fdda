/**
 * The table of nodes. A row is created once and updated in place, so that focus and selection survive. It belongs to a
 * label, wherever in the list the node is.
 */
import type { NodeJson, StatusJson } from "../observe/statusJson.ts";
import { element, setClass, setText } from "./elements.ts";
import { errorsOf, type NodeErrors } from "./errors.ts";
import { durationText, millisecondsText, numberText, partText } from "./format.ts";
import { nodeColour } from "./nodeColour.ts";

interface Column {
  readonly title: string;
  readonly isNumber?: true;
  /** CSS class of its cells. */
  readonly style?: string;
  /** Sort key of a row. */
  readonly key: (row: RowView) => number | string;
  readonly show: (cell: Cell, row: RowView) => void;
}

interface RowView extends NodeErrors {
  readonly index: number;
  readonly node: NodeJson;
  readonly nowMs: number;
  readonly mirror: boolean;
  /** Share of what is being relayed; undefined while nothing is. */
  readonly trafficShare: number | undefined;
  /** The largest of all nodes: scales the bars. */
  readonly ringShareMax: number;
  readonly trafficShareMax: number;
}

const COLUMNS: readonly Column[] = [
  {
    title: "Node",
    key: ({ index }) => index,
    show: (cell, { index, node }) => {
      cell.badge(`${index + 1}`);
      cell.setTexts(node.node, node.address === node.node ? "" : node.address);
    },
  },
  {
    title: "State",
    key: ({ node }) => Number(node.up),
    show: (cell, { node, nowMs }) => {
      cell.state(node.up);
      cell.setTexts(node.up ? "● up" : "✕ down", `for ${durationText((nowMs - node.since_ms) / 1000)}`);
    },
  },
  {
    title: "Last check",
    key: ({ node }) => node.last_check?.duration_ms ?? -1,
    show: (cell, { node, nowMs }) => {
      const check = node.last_check;
      if (node.no_address !== null) cell.setTexts(node.no_address, "");
      else if (!node.checked) cell.setTexts("not checked", "");
      else if (check === null) cell.setTexts("none yet", "");
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
    show: (cell, { node }) => cell.setTexts(node.rate === null ? "–" : `${numberText(node.rate)}/s`, ""),
  },
  {
    title: "Share of the ring",
    isNumber: true,
    style: "of-ring",
    key: ({ node, mirror }) => (mirror ? 1 : node.figures.ring_share),
    show: (cell, { node, mirror, ringShareMax }) => {
      if (mirror) cell.setTexts("every metric", "");
      else cell.part(node.figures.ring_share, ringShareMax);
    },
  },
  {
    title: "Share of the traffic",
    isNumber: true,
    key: ({ trafficShare }) => trafficShare ?? -1,
    show: (cell, { trafficShare, trafficShareMax }) => {
      if (trafficShare === undefined) cell.setTexts("–", "");
      else cell.part(trafficShare, trafficShareMax);
    },
  },
  {
    title: "Errors",
    key: ({ errorCount }) => errorCount,
    show: (cell, { errors }) => cell.setTexts(errors.length === 0 ? "none" : errors[0], errors.slice(1).join(", ")),
  },
];

export class Nodes {
  private readonly place: HTMLElement;
  private readonly body = element("tbody", { role: "rowgroup" });
  private readonly headers: readonly HTMLElement[];
  /** By label. */
  private rows = new Map<string, Row>();
  private sorted: { column: number; descending: boolean } = { column: 0, descending: false };
  private views: readonly RowView[] = [];

  constructor(place: HTMLElement) {
    this.place = place;
    this.headers = COLUMNS.map(({ title }, i) => {
      const button = element("button", { type: "button" }, title);
      button.addEventListener("click", () => this.sortBy(i));
      return element("th", { scope: "col", role: "columnheader", class: classOf(COLUMNS[i]) }, button);
    });
    // These are the elements' own roles, but they are lost on narrow screens, where the style turns them into blocks.
    this.place.append(
      element(
        "table",
        { role: "table", "aria-labelledby": "nodes-title" },
        element("thead", { role: "rowgroup" }, element("tr", { role: "row" }, ...this.headers)),
        this.body,
      ),
    );
  }

  show(stats: StatusJson): void {
    const rates = stats.nodes.map(({ rate }) => rate ?? 0);
    const total = rates.reduce((sum, rate) => sum + rate, 0);
    const ringShareMax = Math.max(...stats.nodes.map(({ figures }) => figures.ring_share ?? 0));
    const trafficShareMax = Math.max(...rates) / total;
    setClass(this.place, "mirror", stats.mirror);
    this.views = stats.nodes.map((node, index) => ({
      index,
      node,
      nowMs: stats.now_ms,
      mirror: stats.mirror,
      trafficShare: total > 0 && node.rate !== null ? node.rate / total : undefined,
      ringShareMax,
      trafficShareMax,
      ...errorsOf(node.figures),
    }));
    this.rows = new Map(stats.nodes.map(({ node }) => [node, this.rows.get(node) ?? new Row()]));
    for (const view of this.views) this.rowOf(view).show(view);
    this.order();
  }

  private sortBy(column: number): void {
    const isSame = this.sorted.column === column;
    // For numbers, the large ones are the interesting ones.
    this.sorted = { column, descending: isSame ? !this.sorted.descending : COLUMNS[column].isNumber === true };
    this.order();
  }

  private order(): void {
    const { column, descending } = this.sorted;
    this.headers.forEach((header, i) => {
      header.setAttribute("aria-sort", i !== column ? "none" : descending ? "descending" : "ascending");
    });
    const keyed = this.views.map((view) => ({ view, key: COLUMNS[column].key(view) }));
    keyed.sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0) * (descending ? -1 : 1));
    const wanted = keyed.map(({ view }) => this.rowOf(view).root);
    if (wanted.some((row, i) => row !== this.body.children[i]) || wanted.length !== this.body.children.length) {
      this.body.replaceChildren(...wanted);
    }
  }

  private rowOf({ node }: RowView): Row {
    return this.rows.get(node.node) as Row;
  }
}

class Row {
  readonly root: HTMLElement;
  private readonly cells: readonly Cell[];

  constructor() {
    this.cells = COLUMNS.map((column, i) => new Cell(column, i === 0));
    this.root = element("tr", { role: "row" }, ...this.cells.map(({ root }) => root));
  }

  show(view: RowView): void {
    setClass(this.root, "down", !view.node.up);
    this.root.style.setProperty("--node", nodeColour(view.index));
    COLUMNS.forEach((column, i) => {
      column.show(this.cells[i], view);
    });
  }
}

class Cell {
  readonly root: HTMLElement;
  private readonly main = element("span");
  private readonly sub = element("span", { class: "sub" });
  private badgeText: HTMLElement | undefined;
  private bar: HTMLElement | undefined;

  constructor(column: Column, isHeader: boolean) {
    const attributes = { "data-label": column.title, class: classOf(column) };
    const content = element("div", {}, this.main, this.sub);
    this.root = isHeader
      ? element("th", { ...attributes, scope: "row", role: "rowheader" }, content)
      : element("td", { ...attributes, role: "cell" }, content);
  }

  setTexts(main: string, sub: string): void {
    setText(this.main, main);
    setText(this.sub, sub);
    this.bar?.style.setProperty("--part", "0%");
  }

  badge(text: string): void {
    if (this.badgeText === undefined) {
      this.badgeText = element("span", { class: "badge" });
      this.main.before(this.badgeText);
    }
    setText(this.badgeText, text);
  }

  state(isUp: boolean): void {
    this.main.className = `state ${isUp ? "good" : "bad"}`;
  }

  /** @param max the share that fills the bar */
  part(part: number, max: number): void {
    if (this.bar === undefined) {
      this.bar = element("span", { class: "bar" });
      this.main.after(this.bar);
    }
    setText(this.main, partText(part));
    this.bar.style.setProperty("--part", `${max > 0 ? ((100 * part) / max).toFixed(1) : 0}%`);
  }
}

function classOf({ isNumber, style = "" }: Column): string {
  return isNumber ? `number ${style}` : style;
}
