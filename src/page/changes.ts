/** The last times that a node went down or came back, and which names that moved. */
import type { StatusJson } from "../observe/statusJson.ts";
import { shareText } from "../text/quantities.ts";
import { element, setClass } from "./elements.ts";
import { clockText } from "./format.ts";
import { listedLabel, type NodesByLabel, nodesByLabel } from "./nodesByLabel.ts";

/** More than these scroll. */
const LONG = 5;

type Change = StatusJson["health_changes"][number];

export function showChanges(place: HTMLElement, { health_changes, now_ms, nodes }: StatusJson): void {
  const listed = nodesByLabel(nodes);
  const changed = health_changes.map((change) => ({
    ...change,
    node: listedLabel(change.node, listed),
    moved: movedWords(change, listed),
  }));
  const shown = JSON.stringify(changed);
  if (place.dataset.shown === shown) return;
  place.dataset.shown = shown;
  const list = changed.map(({ at_ms, node, up, reason, moved }) =>
    element(
      "li",
      {},
      element("time", { datetime: new Date(at_ms).toISOString() }, clockText(at_ms, now_ms)),
      element("span", { class: `state ${up ? "good" : "bad"}` }, up ? "● up" : "✕ down"),
      element(
        "span",
        {},
        reason === null ? node : `${node}: ${reason}`,
        ...moved.map((words) => element("span", { class: "sub" }, words)),
      ),
    ),
  );
  setClass(place, "long", list.length > LONG);
  place.replaceChildren(
    list.length === 0 ? element("p", { class: "quiet" }, "None since the proxy started.") : element("ol", {}, ...list),
  );
}

/** `25.0 % of the names moved: 1 +8.1, 2 +8.9`, by the numbers of the table. */
function movedWords({ moved }: Change, listed: NodesByLabel): string[] {
  if (moved === null || moved.share === 0) return [];
  const changes = moved.changes.map(({ node, share }) => {
    const found = listed.get(node);
    const sign = share < 0 ? "−" : "+";
    return `${found === undefined ? node : found.index + 1} ${sign}${(100 * Math.abs(share)).toFixed(1)}`;
  });
  return [`${shareText(moved.share)} of the names moved${changes.length > 0 ? `: ${changes.join(", ")}` : ""}`];
}
