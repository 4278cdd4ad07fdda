/** The status page: polls once a second while it is visible, and shows the answers. */

import type { DestinationJson } from "../http/destinationJson.ts";
import type { HistoryJson } from "../http/historyJson.ts";
import type { StatusJson } from "../observe/statusJson.ts";
import { showChanges } from "./changes.ts";
import { Delay } from "./delay.ts";
import { destinationWords } from "./destination.ts";
import { byId, element, setClass, setText } from "./elements.ts";
import { proxyErrorsText } from "./errors.ts";
import { clockText, countText, durationText, millisecondsText } from "./format.ts";
import { Nodes } from "./nodes.ts";
import { nodesByLabel, numberedLabel } from "./nodesByLabel.ts";
import { Rates } from "./rates.ts";
import { type RecentLosses, recentLosses } from "./recentLosses.ts";
import { Shares } from "./shares.ts";
import { FRESH_MS, noAnswer, pausedTitle, type ShownVerdict, shownVerdict } from "./verdict.ts";

const INTERVAL_MS = 1000;
const TIMEOUT_MS = 5000;

const rates = new Rates(byId("rates"));
const delay = new Delay(byId("rates"));
const shares = new Shares(byId("ring"));
const nodes = new Nodes(byId("nodes"));

let startedAtMs: number | undefined;
let nextSample = 0;
let last: Answered | undefined;
/** The last question had no answer. */
let hasFailed = false;
/** What nodes lose now. */
let recent: RecentLosses | undefined;
let timer: ReturnType<typeof setTimeout> | undefined;
let isAsking = false;
/** The name that was looked up last and is shown. */
let askedName: string | undefined;
/** Who was up when it was looked up. */
let askedOf = "";

/** An answer, and when it came, by the clock of this machine. */
interface Answered {
  readonly stats: StatusJson;
  readonly atMs: number;
}

document.addEventListener("visibilitychange", () => void refresh());
byId<HTMLFormElement>("where").addEventListener("submit", (event) => {
  event.preventDefault();
  const name = byId<HTMLInputElement>("where-name").value.trim();
  askedName = name === "" ? undefined : name;
  void lookUp();
});
// It scrolls, and not every browser lets the keyboard do that by default.
byId("changes").tabIndex = 0;
// A question that hangs must not keep the page from saying so.
setInterval(showAge, INTERVAL_MS);
void refresh();

/** Polls once, then schedules the next poll; pauses while the page is hidden. */
async function refresh(): Promise<void> {
  if (isAsking) return;
  clearTimeout(timer);
  if (document.hidden) return;
  isAsking = true;
  try {
    await show(await get<StatusJson>("/stats.json"));
    hasFailed = false;
  } catch {
    hasFailed = true;
  }
  showAge();
  isAsking = false;
  timer = setTimeout(() => void refresh(), INTERVAL_MS);
}

async function show(stats: StatusJson): Promise<void> {
  if (stats.started_at_ms !== startedAtMs) {
    rates.clear();
    nextSample = 0;
    startedAtMs = stats.started_at_ms;
  }
  last = { stats, atMs: Date.now() };
  recent = recentLosses(recent, stats);
  const history = await get<HistoryJson>(`/history.json?from=${nextSample}`);
  nextSample = history.next;
  rates.add(history, stats.figures);
  delay.show(stats.figures);
  shares.show(stats);
  showFacts(stats);
  showChanges(byId("changes"), stats);
  const upNow = JSON.stringify(stats.nodes.map(({ node, up }) => [node, up]));
  if (upNow !== askedOf) {
    askedOf = upNow;
    await lookUp();
  }
}

/** What ages, whether or not there are answers. */
function showAge(): void {
  const nowMs = Date.now();
  const age = last === undefined ? 0 : nowMs - last.atMs;
  // A page that nobody sees does not ask: that is not the proxy's silence.
  const isStale = hasFailed || (age > FRESH_MS && !document.hidden);
  setClass(document.body, "stale", isStale);
  if (last !== undefined) nodes.show({ ...last.stats, now_ms: last.stats.now_ms + age }, recent);
  if (isStale) {
    const verdict = noAnswer(last?.atMs, nowMs, last?.stats.host_name ?? "");
    showVerdict(verdict);
    setText(byId("stale"), verdict.line);
    const since = last === undefined ? "" : ` since ${clockText(last.atMs, nowMs)}`;
    setText(byId("connection"), `✕ no answer${since}`);
  } else if (last !== undefined) {
    const verdict = shownVerdict(last.stats);
    showVerdict(verdict);
    if (document.hidden) document.title = pausedTitle(verdict, last.atMs, nowMs);
    setText(byId("stale"), "");
    setText(byId("connection"), "live");
  }
}

function showVerdict({ state, line, title, others }: ShownVerdict): void {
  setText(byId("health"), line);
  byId("health").className = `verdict ${state}`;
  document.title = title;
  const place = byId("troubles");
  const shown = JSON.stringify(others);
  if (place.dataset.shown === shown) return;
  place.dataset.shown = shown;
  place.replaceChildren(...others.map((other) => element("li", { class: other.state }, other.line)));
}

function showFacts(stats: StatusJson): void {
  const { version, uptime_seconds, now_ms, config, figures, mirror, host_name, listening, file } = stats;
  const { resident_memory_bytes, event_loop_lag_max_seconds, names_cached } = figures;
  setText(byId("host"), host_name);
  const hash = config.hash === "" ? "" : ` (${config.hash}, loaded ${clockText(config.loaded_at_ms, now_ms)})`;
  const facts = [
    `metrics at ${listening}`,
    ...(file === null ? [] : [`${file}${hash}`]),
    `version ${version}`,
    `up for ${durationText(uptime_seconds)}`,
    `${Math.round(resident_memory_bytes / 1e6)} MB of memory`,
    ...(mirror || names_cached === 0 ? [] : [`${countText(names_cached)} names cached`]),
    `event loop up to ${millisecondsText(1000 * event_loop_lag_max_seconds)} late in the last minute`,
  ];
  setText(byId("about"), facts.join(" · "));
  setText(byId("proxy-errors"), proxyErrorsText(figures));
  setText(byId("nodes-up"), `${figures.nodes_up} of ${figures.nodes} up`);
}

/** Looks the name up, and again when a node has come or gone. */
async function lookUp(): Promise<void> {
  const place = byId("where-answer");
  const asked = askedName;
  if (asked === undefined) {
    setText(place, "");
    shares.point(undefined);
    return;
  }
  try {
    const destination = await get<DestinationJson>(`/owner.json?name=${encodeURIComponent(asked)}`);
    if (asked !== askedName) return;
    showDestination(place, destination);
    shares.point(destination.kind === "routed" ? destination.now : undefined);
  } catch {
    setText(place, "No answer from the proxy.");
  }
}

function showDestination(place: HTMLElement, destination: DestinationJson): void {
  const listed = nodesByLabel(last?.stats.nodes ?? []);
  const pieces = destinationWords(destination, last?.stats.failover).map((words) => {
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
