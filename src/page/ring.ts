/** The ring as a picture: who owns the names while all nodes are up (inside), and who owns each part now (outside). */
import type { RingJson } from "../http/ringJson.ts";
import type { NodeJson, StatusJson } from "../observe/statusJson.ts";
import { NO_LIVE_NODE } from "../placement/owner.ts";
import { byId, element, setText, svgElement } from "./elements.ts";
import { partText } from "./format.ts";
import { nodeColour } from "./nodeColour.ts";
import { type NodesByLabel, nodesByLabel, numberedLabel } from "./nodesByLabel.ts";

const INNER = { from: 50, to: 84 };
const MIDDLE = (INNER.from + INNER.to) / 2;
const OUTER = { from: 88, to: 103 };
const SPOKE = { from: 34, to: 90 };
/** Narrower slices have no room for a number. */
const LABEL_MIN = 0.012;

export class Ring {
  private readonly svg = svgElement("svg", { viewBox: "-112 -112 224 224", role: "img" });
  private readonly pin = svgElement("path", { class: "pin", d: "M0,-101 l4.5,-9 h-9 z", visibility: "hidden" });

  constructor(place: HTMLElement) {
    place.append(this.svg);
  }

  draw(stats: StatusJson, { nodes: labels, parts, full_shares }: RingJson): void {
    const { nodes, mirror, failover } = stats;
    const up = nodes.filter((node) => node.up).length;
    const centre = [
      svgElement("text", { class: "centre", y: -4 }, `${up} of ${nodes.length}`),
      svgElement("text", { class: "under", y: 9 }, "up"),
    ];
    if (mirror || parts === null || full_shares === null) {
      const hub = svgElement("circle", { class: "hub", r: SPOKE.from });
      this.svg.replaceChildren(...nodes.map((node, i) => spoke(node, i, nodes.length)), hub, ...centre, this.pin);
      setText(byId("ring-title"), "Mirror");
      setText(
        byId("ring-legend"),
        "Every metric goes to every live node; relayed and dropped count each copy. Numbers refer to the table below.",
      );
    } else {
      const listed = nodesByLabel(nodes);
      this.svg.replaceChildren(
        hatching(),
        ...slices(labels, full_shares, listed),
        ...bands(labels, parts, listed),
        ...centre,
        this.pin,
      );
      setText(byId("ring-title"), "Ring");
      byId("ring-title").append(" ", element("small", {}, `${stats.ring}, failover ${failover}`));
      setText(
        byId("ring-legend"),
        "Inside: each node’s share of the names while all are up. Hatched with a cross: down. " +
          "Outside: the current owner of each part of the ring. Numbers refer to the table below.",
      );
    }
    this.svg.setAttribute("aria-label", inWords(stats));
  }

  /** Marks where on the circle a name lies; undefined: nowhere. */
  point(position: number | undefined): void {
    this.pin.setAttribute("visibility", position === undefined ? "hidden" : "visible");
    if (position !== undefined) this.pin.setAttribute("transform", `rotate(${position * 360})`);
  }
}

function inWords({ nodes, mirror }: StatusJson): string {
  const words = nodes.map(({ node, up, figures }, i) => {
    const share = mirror ? "every metric" : `${partText(figures.ring_share)} of the names`;
    return `${i + 1}: ${node}, ${up ? "up" : "down"}, ${share}`;
  });
  return `${mirror ? "Mirror" : "Ring"} of ${nodes.length} nodes. ${words.join("; ")}`;
}

/** One slice per label, in the node's current colour and with its current number; grey for a node that is gone. */
function slices(labels: readonly string[], shares: readonly number[], listed: NodesByLabel): SVGElement[] {
  const room = (2 * Math.PI * MIDDLE) / labels.length;
  const size = Math.min(11, (1.3 * room) / Math.max(2, String(labels.length).length));
  let from = 0;
  return labels.map((label, i) => {
    const to = from + shares[i];
    const path = sector(INNER.from, INNER.to, from, to);
    const found = listed.get(label);
    const state = found === undefined ? "gone" : found.node.up ? "up" : "down";
    const title = svgElement("title", {}, `${numberedLabel(label, listed)}, ${state}, ${partText(shares[i])}`);
    const parts: SVGElement[] = [title, svgElement("path", { class: "slice", d: path, ...paintOf(label, listed) })];
    if (state === "down") parts.push(svgElement("path", { d: path, fill: "url(#hatching)" }));
    if (shares[i] >= LABEL_MIN && found !== undefined) {
      parts.push(textAt(`${found.index + 1}`, MIDDLE, (from + to) / 2, size));
      if (state === "down") parts.push(textAt("✕", MIDDLE + 1.2 * size, (from + to) / 2, size));
    }
    from = to;
    return svgElement("g", state === "up" ? {} : { class: state }, ...parts);
  });
}

function paintOf(label: string, listed: NodesByLabel): { fill?: string } {
  const found = listed.get(label);
  return found === undefined ? {} : { fill: nodeColour(found.index) };
}

function textAt(text: string, radius: number, part: number, size: number): SVGElement {
  const [x, y] = onCircle(radius, part);
  return svgElement("text", { class: "number", x, y, "font-size": round(size) }, text);
}

/** One path per owner with all its parts; adjacent parts are merged. */
function bands(labels: readonly string[], parts: readonly number[], listed: NodesByLabel): SVGElement[] {
  const paths = labels.map(() => "");
  let unowned = "";
  let start = 0;
  for (let i = 1; i <= parts.length; i++) {
    if (i < parts.length && parts[i] === parts[start]) continue;
    const path = sector(OUTER.from, OUTER.to, start / parts.length, i / parts.length);
    if (parts[start] === NO_LIVE_NODE || !listed.has(labels[parts[start]])) unowned += path;
    else paths[parts[start]] += path;
    start = i;
  }
  return [
    ...paths.map((d, i) => svgElement("path", { d, ...paintOf(labels[i], listed) })),
    svgElement("path", { d: unowned, class: "unowned" }),
  ];
}

function spoke({ node, up }: NodeJson, i: number, count: number): SVGElement {
  const [x, y] = onCircle(SPOKE.to, i / count);
  const [hubX, hubY] = onCircle(SPOKE.from, i / count);
  const radius = Math.min(13, (2 * Math.PI * SPOKE.to) / count / 2.3);
  return svgElement(
    "g",
    up ? {} : { class: "down" },
    svgElement("title", {}, `${i + 1}: ${node}, ${up ? "up" : "down"}`),
    svgElement("line", { class: "spoke", x1: hubX, y1: hubY, x2: x, y2: y }),
    svgElement("circle", { class: "slice", cx: x, cy: y, r: radius, fill: nodeColour(i) }),
    svgElement("text", { class: "number", x, y, "font-size": radius * (up ? 1 : 0.85) }, up ? `${i + 1}` : `✕${i + 1}`),
  );
}

function hatching(): SVGElement {
  const pattern = {
    id: "hatching",
    width: 4,
    height: 4,
    patternUnits: "userSpaceOnUse",
    patternTransform: "rotate(45)",
  };
  const line = svgElement("line", { class: "hatch", x1: 0, y1: 0, x2: 0, y2: 4 });
  return svgElement("defs", {}, svgElement("pattern", pattern, line));
}

/** A sector of a ring, between two fractions of a turn; a whole turn is drawn as two halves. */
function sector(inner: number, outer: number, from: number, to: number): string {
  if (to - from > 0.999)
    return sector(inner, outer, from, from + 0.5) + sector(inner, outer, from + 0.5, from + 0.9999);
  const large = to - from > 0.5 ? 1 : 0;
  const [a, b, c, d] = [onCircle(outer, from), onCircle(outer, to), onCircle(inner, to), onCircle(inner, from)];
  return `M${a} A${outer},${outer} 0 ${large} 1 ${b} L${c} A${inner},${inner} 0 ${large} 0 ${d} Z`;
}

/** The point at a fraction of a turn, clockwise from the top. */
function onCircle(radius: number, part: number): [x: number, y: number] {
  const angle = 2 * Math.PI * part;
  return [round(radius * Math.sin(angle)), round(-radius * Math.cos(angle))];
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
