/** A node's name. Where it does not fit, what it has in common with the others is cut; whoever copies it gets all of it. */
import type { NameParts } from "../text/nameParts.ts";
import { element, setText } from "./elements.ts";

export class NodeName {
  readonly root: HTMLElement;
  private readonly parts = [element("span", { class: "name-head" }), element("span"), element("span")];

  constructor() {
    this.root = element("span", { class: "name" }, ...this.parts);
  }

  show({ head, own, tail }: NameParts): void {
    [head, own, tail].forEach((part, i) => {
      setText(this.parts[i], part);
    });
    this.root.title = head + own + tail;
    this.root.style.setProperty("--own", `${own.length}`);
  }
}
