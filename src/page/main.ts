/** The status page: polls once a second while it is visible, and shows the answers. */

import type { DestinationJson } from "../http/destinationJson.ts";
import type { HistoryJson } from "../http/historyJson.ts";
import type { RingJson } from "../http/ringJson.ts";
import type { StatusJson } from "../observe/statusJson.ts";
import { destinationWords } from "./destination.ts";
import { byId, element, setClass, setText } from "./elements.ts";
import { proxyErrorsText } from "./errors.ts";
import { clockText, countText, durationText, millisecondsText } from "./format.ts";
import { Nodes } from "./nodes.ts";
import { listedLabel, nodesByLabel, numberedLabel } from "./nodesByLabel.ts";
import { Rates } from "./rates.ts";
import { type RecentLosses, recentLosses } from "./recentLosses.ts";
import { Ring } from "./ring.ts";
import { isRingOf, ringKey } from "./ringKey.ts";
import { noVerdict, type Verdict, verdictOf } from "./verdict.ts";

const INTERVAL_MS = 1000;
const TIMEOUT_MS = 5000;

const rates = new Rates(byId("rates"));
const ring = new Ring(byId("ring"));
const nodes = new Nodes(byId("nodes"));

let startedAtMs: number | undefined;
let nextSample = 0;
/** What the picture of the ring was drawn from. */
let drawn = "";
let lastStats: StatusJson | undefined;
/** What nodes lose now. */
let recent: RecentLosses | undefined;
let lostSinceMs: number | undefined;
let timer: ReturnType<typeof setTimeout> | undefined;
let isAsking = false;
/** The name that was looked up last and is shown. */
let askedName: string | undefined;

document.addEventListener("visibilitychange", () => void refresh());
byId<HTMLFormElement>("where").addEventListener("submit", (event) => {
  event.preventDefault();
  const name = byId<HTMLInputElement>("where-name").value.trim();
  askedName = name === "" ? undefined : name;
  void lookUp();
});
// It scrolls, and not every browser lets the keyboard do that by default.
byId("changes").tabIndex = 0;
void refresh();

/** Polls once, then schedules the next poll; pauses while the page is hidden. */
async function refresh(): Promise<void> {
  if (isAsking) return;
  clearTimeout(timer);
  if (document.hidden) return;
  isAsking = true;
  try {
    await show(await get<StatusJson>("/stats.json"));
    lostSinceMs = undefined;
    setText(byId("connection"), "live");
  } catch {
    lostSinceMs ??= Date.now();
    const since = clockText(lostSinceMs, Date.now());
    setText(byId("connection"), `✕ no answer since ${since}: the figures are out of date`);
    showVerdict(noVerdict(since));
  }
  setClass(byId("connection"), "lost", lostSinceMs !== undefined);
  isAsking = false;
  timer = setTimeout(() => void refresh(), INTERVAL_MS);
}

async function show(stats: StatusJson): Promise<void> {
  if (stats.started_at_ms !== startedAtMs) {
    rates.clear();
    nextSample = 0;
    startedAtMs = stats.started_at_ms;
  }
  lastStats = stats;
  recent = recentLosses(recent, stats);
  const history = await get<HistoryJson>(`/history.json?from=${nextSample}`);
  nextSample = history.next;
  rates.add(history);
  nodes.show(stats, recent);
  showVerdict(verdictOf(stats, recent));
  showFacts(stats);
  showChanges(stats);
  const key = ringKey(stats);
  if (key !== drawn) {
    const picture = await get<RingJson>("/ring.json");
    ring.draw(stats, picture);
    // Nodes came or went between the two answers: the next ones will agree.
    drawn = isRingOf(picture, stats) ? key : "";
    await lookUp();
  }
}

function showVerdict({ state, badge, title }: Verdict): void {
  setText(byId("health"), badge);
  byId("health").className = `pill ${state}`;
  document.title = title;
}

function showFacts(stats: StatusJson): void {
  const { version, uptime_seconds, now_ms, config, figures, mirror } = stats;
  const { resident_memory_bytes, event_loop_lag_max_seconds, names_cached } = figures;
  const facts = [
    `version ${version}`,
    `up for ${durationText(uptime_seconds)}`,
    ...(config.hash === "" ? [] : [`configuration ${config.hash}, loaded ${clockText(config.loaded_at_ms, now_ms)}`]),
    `${Math.round(resident_memory_bytes / 1e6)} MB of memory`,
    ...(mirror || names_cached === 0 ? [] : [`${countText(names_cached)} names cached`]),
    `event loop up to ${millisecondsText(1000 * event_loop_lag_max_seconds)} late in the last minute`,
  ];
  setText(byId("about"), facts.join(" · "));
  setText(byId("proxy-errors"), proxyErrorsText(stats));
}

function showChanges({ health_changes, now_ms, nodes }: StatusJson): void {
  const place = byId("changes");
  const listed = nodesByLabel(nodes);
  const changed = health_changes.map((change) => ({ ...change, node: listedLabel(change.node, listed) }));
  const shown = JSON.stringify(changed);
  if (place.dataset.shown === shown) return;
  place.dataset.shown = shown;
  const list = changed.map(({ at_ms, node, up, reason }) =>
    element(
      "li",
      {},
      element("time", { datetime: new Date(at_ms).toISOString() }, clockText(at_ms, now_ms)),
      element("span", { class: `state ${up ? "good" : "bad"}` }, up ? "● up" : "✕ down"),
      element("span", {}, reason === null ? node : `${node}: ${reason}`),
    ),
  );
  place.replaceChildren(
    list.length === 0 ? element("p", { class: "quiet" }, "None since the proxy started.") : element("ol", {}, ...list),
  );
}

/** Looks the name up, and again when the ring has changed. */
async function lookUp(): Promise<void> {
  const place = byId("where-answer");
  const asked = askedName;
  if (asked === undefined) {
    setText(place, "");
    ring.point(undefined);
    return;
  }
  try {
    const destination = await get<DestinationJson>(`/owner.json?name=${encodeURIComponent(asked)}`);
    if (asked !== askedName) return;
    showDestination(place, destination);
    ring.point(destination.kind === "routed" ? (destination.position ?? undefined) : undefined);
  } catch {
    setText(place, "No answer from the proxy.");
  }
}

function showDestination(place: HTMLElement, destination: DestinationJson): void {
  const listed = nodesByLabel(lastStats?.nodes ?? []);
  const pieces = destinationWords(destination, lastStats?.failover).map((words) => {
    if (typeof words === "string") return words;
    return "name" in words ? element("code", {}, words.name) : element("strong", {}, numberedLabel(words.node, listed));
  });
  place.replaceChildren(...pieces);
}

async function get<Json>(path: string): Promise<Json> {
  const response = await fetch(path, { signal: AbortSignal.timeout(TIMEOUT_MS) });
  if (!response.ok) throw new Error(String(response.status));
  return (await response.json()) as Json;
}
