/** Each node's share of the names: while all nodes are up, and now. */
import type { NodeJson, StatusJson } from "../observe/statusJson.ts";
import { byId, element, setClass, setText } from "./elements.ts";
import { partText } from "./format.ts";
import { nodeColour } from "./nodeColour.ts";

/** More are not to be told apart: those that have changed most are shown. */
const NODES_MAX = 16;

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
    this.place.replaceChildren(element("ul", { class: "shares" }, ...listed.map((share) => bars(share, all))));
    const rest = all.length - listed.length;
    const which =
      rest > 0
        ? ` ${rest} more nodes are in the table: here are those with the largest ${isMoved ? "change" : "share"}.`
        : "";
    const what = isMoved ? "Thin bars: while all nodes are up. Thick bars: now." : "All nodes have their own names.";
    setText(byId("ring-legend"), what + which);
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

/** On one scale: the largest share of any node, then or now. */
function bars({ index, node, before, now }: Share, all: readonly Share[]): HTMLElement {
  const max = Math.max(...all.map((share) => Math.max(share.before, share.now)));
  const bar = (name: string, part: number) => {
    const made = element("span", { class: `share-bar ${name}` });
    made.style.setProperty("--part", `${((100 * part) / max).toFixed(1)}%`);
    return made;
  };
  const isSame = Math.abs(before - now) <= 1e-9;
  const text = isSame ? partText(now) : `${partText(before)} → ${partText(now)} (${changeText(now - before)})`;
  const row = element(
    "li",
    { "data-node": node.node, class: node.up ? "" : "down" },
    element("span", { class: "badge" }, `${index + 1}`),
    element("span", { class: "share-name" }, node.node),
    element("span", { class: "share-text" }, node.up ? text : `✕ ${text}`),
    element("span", { class: "share-bars" }, bar("before", before), bar("now", now)),
  );
  row.style.setProperty("--node", nodeColour(index));
  return row;
}

function changeText(change: number): string {
  return `${change < 0 ? "−" : "+"}${(100 * Math.abs(change)).toFixed(1)}`;
}
