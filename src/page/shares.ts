/** Each node's share of the names: while all nodes are up, and now. */

import type { NodeJson, StatusJson } from "../observe/statusJson.ts";
import { type NameParts, namePartsOf } from "../text/nameParts.ts";
import { shareText } from "../text/quantities.ts";
import { byId, element, setClass, setText } from "./elements.ts";
import { nodeColour } from "./nodeColour.ts";
import { NodeName } from "./nodeName.ts";

/** More are not to be told apart: those that have changed most are shown. */
const NODES_MAX = 10;

interface Share {
  readonly index: number;
  readonly node: NodeJson;
  readonly before: number;
  readonly now: number;
}

export class Shares {
  private readonly place: HTMLElement;
  private shown = "";
  private pointed: string | undefined;

  constructor(place: HTMLElement) {
    this.place = place;
  }

  show(stats: StatusJson): void {
    const { nodes, mirror, ring, failover } = stats;
    const key = JSON.stringify([mirror, ring, failover, nodes.map((node) => [node.node, node.up, shareOf(node)])]);
    if (key === this.shown) return;
    this.shown = key;
    setClass(byId("middle"), "mirror", mirror);
    setText(byId("ring-title"), mirror ? "Mirror" : "Who gets which part of the names");
    if (mirror) {
      this.place.replaceChildren();
      setText(byId("ring-legend"), "Every metric goes to every live node; relayed and dropped count each copy.");
      return;
    }
    byId("ring-title").append(" ", element("small", {}, `ring ${ring}, failover ${failover}`));
    const all = nodes.map((node, index) => ({
      ...{ index, node },
      before: node.full_share ?? 0,
      now: shareOf(node),
    }));
    const isMoved = all.some(({ before, now }) => Math.abs(before - now) > 1e-9);
    const listed = all.length <= NODES_MAX ? all : mostChanged(all);
    const max = Math.max(...all.map(({ before, now }) => Math.max(before, now)));
    const names = namePartsOf(all.map(({ node }) => node.node));
    const rows = listed.map((share) => bars(share, { max, isMoved, name: names[share.index] }));
    this.place.replaceChildren(element("ul", { class: "shares" }, ...rows));
    const rest = all.length - listed.length;
    const which =
      rest > 0
        ? ` ${rest} more nodes are in the table: here are those with the largest ${isMoved ? "change" : "share"}.`
        : "";
    const what = isMoved ? "Thin bars: while all nodes are up. Thick bars: now." : "All nodes have their own names.";
    const scale = ` The longest bar is ${shareText(max)} of the names.`;
    setText(byId("ring-legend"), what + scale + which);
    this.point(this.pointed);
  }

  /** Marks the node that a name goes to; undefined: none. */
  point(label: string | undefined): void {
    this.pointed = label;
    for (const row of this.place.querySelectorAll<HTMLElement>("li"))
      setClass(row, "pointed", row.dataset.node === label);
  }
}

function shareOf({ figures }: NodeJson): number {
  return figures.ring_share ?? 0;
}

function mostChanged(all: readonly Share[]): Share[] {
  const weight = ({ before, now }: Share) => Math.abs(before - now) || now * 1e-6;
  const most = all.toSorted((a, b) => weight(b) - weight(a)).slice(0, NODES_MAX);
  return most.sort((a, b) => a.index - b.index);
}

interface Drawn {
  /** The scale: the largest share of any node, then or now. */
  readonly max: number;
  /** Some share is not what it is while all nodes are up. */
  readonly isMoved: boolean;
  readonly name: NameParts;
}

function bars({ index, node, before, now }: Share, { max, isMoved, name }: Drawn): HTMLElement {
  const bar = (name: string, part: number) => {
    const made = element("span", { class: `share-bar ${name}` });
    made.style.setProperty("--part", `${((100 * part) / max).toFixed(1)}%`);
    return made;
  };
  const isSame = Math.abs(before - now) <= 1e-9;
  const text = isSame ? shareText(now) : `${shareText(before)} → ${shareText(now)} (${changeText(now - before)})`;
  const label = new NodeName();
  label.show(name);
  const row = element(
    "li",
    { "data-node": node.node, class: node.up ? "" : "down" },
    element("span", { class: "badge" }, `${index + 1}`),
    element("span", { class: "share-name" }, label.root),
    element("span", { class: "share-text" }, node.up ? text : `✕ ${text}`),
    element("span", { class: "share-bars" }, ...(isMoved ? [bar("before", before)] : []), bar("now", now)),
  );
  row.style.setProperty("--node", nodeColour(index));
  return row;
}

function changeText(change: number): string {
  return `${change < 0 ? "−" : "+"}${(100 * Math.abs(change)).toFixed(1)}`;
}
