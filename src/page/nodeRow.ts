/** A row of the table of nodes. It is created once and updated in place, so that focus and selection survive. */
import type { NameParts } from "../text/nameParts.ts";
import { shareText } from "../text/quantities.ts";
import { element, setClass, setText } from "./elements.ts";
import { nodeColour } from "./nodeColour.ts";
import { COLUMNS, type Column, type RowView } from "./nodeColumns.ts";
import { NodeName } from "./nodeName.ts";

export class Row {
  readonly root: HTMLElement;
  private readonly cells: readonly Cell[];

  constructor() {
    this.cells = COLUMNS.map((column, i) => new Cell(column, i === 0));
    this.root = element("tr", { role: "row" }, ...this.cells.map(({ root }) => root));
  }

  show(view: RowView): void {
    setClass(this.root, "down", !view.node.up);
    for (const look of ["bad", "fair"] as const) setClass(this.root, `is-${look}`, view.state.look === look);
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
  private readonly badge = element("span", { class: "badge" });
  private name: NodeName | undefined;
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

  setName(number: number, name: NameParts, sub: string): void {
    if (this.name === undefined) {
      this.name = new NodeName();
      this.main.before(this.badge, this.name.root);
      this.main.remove();
    }
    setText(this.badge, `${number}`);
    this.name.show(name);
    setText(this.sub, sub);
  }

  mark(name: string): void {
    this.main.className = name;
  }

  part(part: number): void {
    if (this.bar === undefined) {
      this.bar = element("span", { class: "bar" });
      this.main.after(this.bar);
    }
    setText(this.main, shareText(part));
    this.bar.style.setProperty("--part", `${(100 * part).toFixed(1)}%`);
  }
}

export function classOf({ isNumber, style = "" }: Column): string {
  return isNumber ? `number ${style}` : style;
}
