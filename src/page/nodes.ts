/** The table of nodes. A row belongs to a label, wherever in the list the node is. */
import type { StatusJson } from "../observe/statusJson.ts";
import { namePartsOf } from "../text/nameParts.ts";
import { element, setClass, setText } from "./elements.ts";
import { errorsOf } from "./errors.ts";
import { COLUMNS, type RowView } from "./nodeColumns.ts";
import { classOf, Row } from "./nodeRow.ts";
import { stateOf } from "./nodeState.ts";
import { lossesNow, type RecentLosses } from "./recentLosses.ts";

interface Sorted {
  readonly column: number;
  readonly descending: boolean;
}

/** Rows that are shown until somebody wants all. */
const ROWS_MAX = 25;

const AS_CONFIGURED: Sorted = { column: 0, descending: false };
/** More rows than these do not fit a screen. */
const NODES_IN_SIGHT = 20;
/** As few nodes need no filter. */
const FEW_NODES = 10;

/** What a filter looks for. */
function textOf({ node, state }: RowView): string {
  return `${node.node} ${node.address} ${node.up ? "up" : "down"} ${state.text}`.toLowerCase();
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
  private readonly filter = element("input", {
    ...{ id: "node-filter", type: "search", autocomplete: "off", placeholder: "name, address or state" },
  });
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
        element("label", { class: "of-filter", for: "node-filter" }, "Show only"),
        element("span", { class: "of-filter" }, this.filter),
        element("label", { class: "of-many" }, this.all, " all rows"),
        element("label", { class: "of-details" }, this.details, " details"),
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
    const names = namePartsOf(stats.nodes.map(({ node }) => node));
    this.views = stats.nodes.map((node, index) => {
      const losses = recent === undefined ? [] : lossesNow(recent, node.node);
      return {
        index,
        node,
        name: names[index],
        state: stateOf(node, losses, stats.now_ms),
        isLosing: losses.length > 0,
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
    const key = isWorstFirst ? ({ state }: RowView) => state.rank : COLUMNS[column].key;
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
    setClass(this.place, "few", this.views.length <= FEW_NODES && this.filter.value === "");
    if (wanted.some((row, i) => row !== this.body.children[i]) || wanted.length !== this.body.children.length) {
      this.body.replaceChildren(...wanted);
    }
  }

  private rowOf({ node }: RowView): Row {
    return this.rows.get(node.node) as Row;
  }
}
