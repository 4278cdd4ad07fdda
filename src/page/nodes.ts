/**
 * The table of nodes. A row is created once and updated in place, so that focus and selection survive. It belongs to a
 * label, wherever in the list the node is.
 */
import type { NodeJson, StatusJson } from "../observe/statusJson.ts";
import { element, setClass, setText } from "./elements.ts";
import { errorsOf, type NodeErrors } from "./errors.ts";
import { countText, durationText, millisecondsText, numberText, partText } from "./format.ts";
import { nodeColour } from "./nodeColour.ts";
import { type LossName, lossesNow, type RecentLosses } from "./recentLosses.ts";

interface Column {
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

interface RowView extends NodeErrors {
  readonly index: number;
  readonly node: NodeJson;
  /** What it loses now. */
  readonly losses: readonly LossName[];
  readonly nowMs: number;
  readonly mirror: boolean;
  /** Share of what is being relayed; undefined while nothing is. */
  readonly trafficShare: number | undefined;
}

interface Sorted {
  readonly column: number;
  readonly descending: boolean;
}

/** Rows that are shown until somebody wants all. */
const ROWS_MAX = 25;

const AS_CONFIGURED: Sorted = { column: 0, descending: false };
/** More rows than these do not fit a screen. */
const NODES_IN_SIGHT = 20;

const LOSS_WORDS: Readonly<Record<LossName, string>> = { lines_refused: "refusing", send_errors: "send errors" };

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
    key: rankOf,
    show: (cell, { node, nowMs, losses }) => {
      const [loss] = losses;
      const text = !node.up ? `✕ ${node.state}` : loss === undefined ? "● up" : `▲ up, ${LOSS_WORDS[loss]}`;
      cell.mark(`state ${!node.up ? "bad" : loss === undefined ? "good" : "fair"}`);
      cell.setTexts(text, `for ${durationText((nowMs - node.since_ms) / 1000)}`);
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
    show: (cell, { errors, losses }) => {
      const [first = "none", ...rest] = errors;
      cell.mark(losses.length > 0 ? "fair" : "");
      cell.setTexts(losses.length > 0 ? `▲ ${first}` : first, rest.join(", "));
    },
  },
];

/** The worst first. */
function rankOf({ node, losses }: RowView): number {
  if (!node.up) return 0;
  return losses.length > 0 ? 1 : 2;
}

/** What a filter looks for. */
function textOf({ node, losses }: RowView): string {
  const state = node.up ? "up" : "down";
  return `${node.node} ${node.address} ${state} ${losses.map((loss) => LOSS_WORDS[loss]).join(" ")}`.toLowerCase();
}

export class Nodes {
  private readonly place: HTMLElement;
  private readonly body = element("tbody", { role: "rowgroup" });
  private readonly headers: readonly HTMLElement[];
  /** By label. */
  private rows = new Map<string, Row>();
  /** Undefined: nobody has chosen yet. */
  private sorted: Sorted | undefined;
  private views: readonly RowView[] = [];
  private readonly filter = element("input", { id: "node-filter", type: "search", autocomplete: "off" });
  private readonly all = element("input", { id: "node-all", type: "checkbox" });
  private readonly details = element("input", { id: "node-details", type: "checkbox" });
  private readonly count = element("span", { class: "quiet", role: "status" });

  constructor(place: HTMLElement) {
    this.place = place;
    const asked = new URLSearchParams(location.search);
    this.filter.value = asked.get("nodes") ?? "";
    this.all.checked = asked.has("all");
    const column = COLUMNS.findIndex(({ title }) => title === asked.get("sort"));
    if (column >= 0) this.sorted = { column, descending: asked.has("descending") };
    for (const input of [this.filter, this.all])
      input.addEventListener("input", () => {
        this.remember();
        this.order();
      });
    this.details.addEventListener("input", () => setClass(this.place, "details", this.details.checked));
    this.place.append(
      element(
        "div",
        { class: "controls" },
        element("label", { for: "node-filter" }, "Only"),
        this.filter,
        element("label", { class: "of-many" }, this.all, " all rows"),
        element("label", { class: "of-phone" }, this.details, " details"),
        this.count,
      ),
    );
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

  show(stats: StatusJson, recent: RecentLosses | undefined): void {
    const rates = stats.nodes.map(({ rate }) => rate ?? 0);
    const total = rates.reduce((sum, rate) => sum + rate, 0);
    setClass(this.place, "mirror", stats.mirror);
    this.views = stats.nodes.map((node, index) => {
      const losses = recent === undefined ? [] : lossesNow(recent, node.node);
      return {
        index,
        node,
        losses,
        nowMs: stats.now_ms,
        mirror: stats.mirror,
        trafficShare: total > 0 && node.rate !== null ? node.rate / total : undefined,
        ...errorsOf(node.figures, losses),
      };
    });
    this.rows = new Map(stats.nodes.map(({ node }) => [node, this.rows.get(node) ?? new Row()]));
    for (const view of this.views) this.rowOf(view).show(view);
    this.order();
  }

  private sortBy(column: number): void {
    const { isNumber = false, isLargeFirst = isNumber } = COLUMNS[column];
    const current = this.sorted ?? (this.isWorstFirst ? undefined : AS_CONFIGURED);
    this.sorted = { column, descending: current?.column === column ? !current.descending : isLargeFirst };
    this.remember();
    this.order();
  }

  /** In the address, so that a reload or a link shows the same. */
  private remember(): void {
    const { sorted, filter, all } = this;
    const asked = new URLSearchParams();
    if (filter.value !== "") asked.set("nodes", filter.value);
    if (sorted !== undefined) asked.set("sort", COLUMNS[sorted.column].title);
    if (sorted?.descending) asked.set("descending", "");
    if (all.checked) asked.set("all", "");
    const query = asked.toString();
    history.replaceState(null, "", query === "" ? location.pathname : `?${query}`);
  }

  /** Until somebody chooses an order, nodes in trouble come first if they might be out of sight. */
  private get isWorstFirst(): boolean {
    return this.sorted === undefined && this.views.length > NODES_IN_SIGHT;
  }

  private order(): void {
    const { column, descending } = this.sorted ?? AS_CONFIGURED;
    const { isWorstFirst } = this;
    this.headers.forEach((header, i) => {
      const order = isWorstFirst ? "other" : descending ? "descending" : "ascending";
      header.setAttribute("aria-sort", i === column ? order : "none");
    });
    const key = isWorstFirst ? rankOf : COLUMNS[column].key;
    const wantedText = this.filter.value.trim().toLowerCase();
    const matching = this.views.filter((view) => textOf(view).includes(wantedText));
    const keyed = matching.map((view) => ({ view, key: key(view) }));
    // Rows with equal keys keep their places.
    keyed.sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0) * (descending ? -1 : 1));
    const rowsMax = this.all.checked ? Number.POSITIVE_INFINITY : ROWS_MAX;
    const wanted = keyed.slice(0, rowsMax).map(({ view }) => this.rowOf(view).root);
    const isWhole = wanted.length === this.views.length;
    setText(this.count, isWhole ? "" : `${wanted.length} of ${this.views.length} nodes`);
    setClass(this.place, "many", this.views.length > ROWS_MAX);
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

  /** Marks its main text with these classes. */
  mark(classes: string): void {
    this.main.className = classes;
  }

  /** With a bar on a scale of the whole. */
  part(part: number): void {
    if (this.bar === undefined) {
      this.bar = element("span", { class: "bar" });
      this.main.after(this.bar);
    }
    setText(this.main, partText(part));
    this.bar.style.setProperty("--part", `${(100 * part).toFixed(1)}%`);
  }
}

function classOf({ isNumber, style = "" }: Column): string {
  return isNumber ? `number ${style}` : style;
}
