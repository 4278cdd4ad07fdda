/** The rates: one card per series, with the current value and a chart of the last 15 minutes. */
import uPlot from "uplot";
import type { HistoryJson } from "../http/historyJson.ts";
import { element, setClass, setText } from "./elements.ts";
import { clockText, countText, numberText } from "./format.ts";
import { meanRate } from "./meanRate.ts";

const WINDOW_SECONDS = 900;
/** The shortest window, for a proxy that has just started. */
const WINDOW_SECONDS_MIN = 60;
/** The current rate is that of the last ten seconds, as a node's is. */
const NOW_SAMPLES = 10;
const HEIGHT = 136;
/** Readable distances between ticks. */
const TICK_SECONDS = [10, 15, 30, 60, 120, 180, 300];
const FONT = "11px system-ui, sans-serif";

type Series = keyof HistoryJson["rates"];

const SERIES: readonly {
  readonly key: Series;
  readonly title: string;
  readonly unit: string;
  readonly colour: string;
  /** The figure that it is the growth of. */
  readonly total: string;
  /** How it looks while there is any. */
  readonly alarm?: "fair" | "bad";
}[] = [
  { key: "received", title: "Received", unit: "lines/s", colour: "--received", total: "lines_received" },
  { key: "relayed", title: "Relayed", unit: "lines/s", colour: "--relayed", total: "lines_relayed" },
  { key: "rejected", title: "Rejected", unit: "lines/s", colour: "--rejected", total: "lines_rejected", alarm: "fair" },
  { key: "dropped", title: "Dropped", unit: "lines/s", colour: "--dropped", total: "lines_dropped", alarm: "bad" },
  {
    key: "kernel_drops",
    title: "Kernel drops",
    unit: "datagrams/s",
    colour: "--kernel-drops",
    total: "kernel_drops",
    alarm: "bad",
  },
];

export class Rates {
  private readonly cards: readonly Card[];
  private timesSeconds: number[] = [];
  private readonly rates = new Map<Series, number[]>();

  constructor(place: HTMLElement) {
    this.cards = SERIES.map((series) => new Card(series, (index) => this.point(index)));
    place.append(...this.cards.map(({ root }) => root));
    for (const card of this.cards) card.draw();
    // The canvas does not notice a change of the colour scheme.
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
      for (const card of this.cards) card.chart?.redraw();
    });
  }

  /** Clears the charts: the proxy was restarted. */
  clear(): void {
    this.timesSeconds = [];
    this.rates.clear();
  }

  /** Adds new samples. */
  add({ times_ms, rates }: HistoryJson, totals: Readonly<Record<string, number>>): void {
    this.timesSeconds = [...this.timesSeconds, ...times_ms.map((ms) => ms / 1000)].slice(-WINDOW_SECONDS);
    for (const { key } of SERIES) {
      this.rates.set(key, [...(this.rates.get(key) ?? []), ...rates[key]].slice(-WINDOW_SECONDS));
    }
    for (const card of this.cards) card.show(this.timesSeconds, this.rates.get(card.key) ?? [], totals);
  }

  /** Shows all charts at the same moment. */
  private point(index: number | undefined): void {
    for (const card of this.cards) card.point(index);
  }
}

class Card {
  readonly root: HTMLElement;
  readonly key: Series;
  chart: uPlot | undefined;
  private readonly series: (typeof SERIES)[number];
  private readonly now = element("span");
  private readonly total = element("p", { class: "words" });
  private readonly words = element("p", { class: "words" });
  private readonly plot: HTMLElement;
  private readonly onPoint: (index: number | undefined) => void;
  private times: number[] = [];
  private values: number[] = [];
  private pointed: number | undefined;

  constructor(series: (typeof SERIES)[number], onPoint: (index: number | undefined) => void) {
    this.series = series;
    this.key = series.key;
    this.onPoint = onPoint;
    // Arrow keys move along the chart, as on a slider.
    this.plot = element("div", {
      class: "chart",
      tabindex: 0,
      role: "slider",
      "aria-label": `${series.title}, ${series.unit}`,
    });
    this.plot.addEventListener("keydown", (event) => this.onKey(event));
    this.plot.addEventListener("blur", () => this.onPoint(undefined));
    this.root = element(
      "div",
      { class: "rate" },
      element("h3", {}, series.title),
      element("p", { class: "now" }, this.now, " ", element("small", {}, series.unit)),
      this.total,
      this.words,
      this.plot,
    );
    this.root.style.setProperty("--series", `var(${series.colour})`);
  }

  /** Call this once the card is in the page. */
  draw(): void {
    const ink = () => colour("--quiet");
    const grid = { stroke: () => colour("--line"), width: 1 };
    const chart = new uPlot(
      {
        width: Math.max(100, this.plot.clientWidth),
        height: HEIGHT,
        padding: [8, 24, 0, 0],
        legend: { show: false },
        cursor: {
          y: false,
          drag: { x: false, y: false },
          sync: { key: "rates" },
          points: { size: 7, fill: () => colour(this.series.colour) },
        },
        scales: {
          x: { time: true, range: () => this.window() },
          y: { range: (_, __, max) => [0, max > 0 ? max * 1.1 : 1] },
        },
        axes: [
          {
            stroke: ink,
            font: FONT,
            grid,
            ticks: { show: false },
            size: 22,
            gap: 4,
            incrs: TICK_SECONDS,
            space: tickSpace,
            values: timesText,
          },
          {
            stroke: ink,
            font: FONT,
            grid,
            ticks: { show: false },
            size: 44,
            gap: 4,
            space: 34,
            values: (_, ticks) => ticks.map(numberText),
          },
        ],
        series: [
          {},
          {
            stroke: () => colour(this.series.colour),
            fill: () => `${colour(this.series.colour)}2b`,
            width: 1.5,
            points: { show: false },
          },
        ],
        hooks: {
          setCursor: [({ cursor }) => this.describe(cursor.idx ?? undefined)],
        },
      },
      [[], []],
      this.plot,
    );
    this.chart = chart;
    new ResizeObserver(() => {
      const width = Math.max(100, this.plot.clientWidth);
      if (width !== chart.width) chart.setSize({ width, height: HEIGHT });
    }).observe(this.plot);
  }

  /** @param totals figures since the start */
  show(times: number[], values: number[], totals: Readonly<Record<string, number>>): void {
    // A moment that is pointed at stays selected while the chart moves on.
    if (this.pointed !== undefined) this.pointed = times.indexOf(this.times[this.pointed]);
    this.times = times;
    this.values = values;
    const mean = meanRate(times, values, NOW_SAMPLES);
    setText(this.now, values.length > 0 ? numberText(mean) : "–");
    if (this.series.alarm !== undefined) setClass(this.now, this.series.alarm, mean > 0);
    const total = totals[this.series.total];
    setText(this.total, total === undefined ? "not known here" : `${countText(total)} since the start`);
    this.chart?.setData([times, values]);
    if (this.pointed !== undefined && this.pointed >= 0) this.point(this.pointed);
    else this.describe(this.chart?.cursor.idx ?? undefined);
  }

  point(index: number | undefined): void {
    this.pointed = index;
    const left = index === undefined ? -10 : (this.chart?.valToPos(this.times[index], "x") ?? -10);
    this.chart?.setCursor({ left, top: 10 });
  }

  private window(): [number, number] {
    const end = this.times.at(-1) ?? Date.now() / 1000;
    const start = this.times.at(0) ?? end;
    return [Math.min(start, end - WINDOW_SECONDS_MIN), end];
  }

  private onKey(event: KeyboardEvent): void {
    const last = this.times.length - 1;
    if (last < 0) return;
    const at = this.pointed ?? last;
    const steps: Record<string, number | undefined> = {
      ArrowLeft: Math.max(0, at - 1),
      ArrowDown: Math.max(0, at - 1),
      ArrowRight: Math.min(last, at + 1),
      ArrowUp: Math.min(last, at + 1),
      PageDown: Math.max(0, at - 60),
      PageUp: Math.min(last, at + 60),
      Home: 0,
      End: last,
    };
    if (event.key === "Escape") this.onPoint(undefined);
    else if (event.key in steps) this.onPoint(steps[event.key]);
    else return;
    event.preventDefault();
  }

  /** Describes the chart in words: the point at the cursor, or else the whole. */
  private describe(index: number | undefined): void {
    const value = index === undefined ? undefined : this.values[index];
    const last = this.values.at(-1);
    let text = "nothing yet";
    if (index !== undefined && value !== undefined) {
      text = `${clockText(this.times[index] * 1000, this.times[index] * 1000)}: ${numberText(value)} ${this.series.unit}`;
    } else if (last !== undefined) {
      const mean = meanRate(this.times, this.values);
      const peak = Math.max(...this.values);
      text = peak === 0 ? "none in this period" : `mean ${numberText(mean)}, peak ${numberText(peak)}`;
      setClass(this.root, "none", this.series.alarm !== undefined && peak === 0);
    }
    setText(this.words, text);
    this.plot.setAttribute("aria-valuemin", "0");
    this.plot.setAttribute("aria-valuemax", String(Math.max(0, this.values.length - 1)));
    this.plot.setAttribute("aria-valuenow", String(index ?? Math.max(0, this.values.length - 1)));
    this.plot.setAttribute(
      "aria-valuetext",
      value === undefined && last !== undefined ? `now ${numberText(last)}, ${text}` : text,
    );
  }
}

function colour(variable: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(variable).trim();
}

/** Pixels between ticks: more where they show seconds. */
function tickSpace(_: uPlot, __: number, min: number, max: number): number {
  return max - min < 150 ? 60 : 42;
}

/** Times of day: with seconds only where a tick needs them. */
function timesText(_: uPlot, ticks: number[]): string[] {
  const hasSeconds = ticks.some((seconds) => seconds % 60 !== 0);
  const form: Intl.DateTimeFormatOptions = { timeZone: "UTC", hour: "2-digit", minute: "2-digit" };
  if (hasSeconds) form.second = "2-digit";
  return ticks.map((seconds) => new Date(seconds * 1000).toLocaleTimeString("en-GB", form));
}
