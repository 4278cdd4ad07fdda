/** How long lines take, in words: the same on the page, in `top` and on the console. */
import { millisecondsWords } from "../text/quantities.ts";

/** The figures that it is said of, as far as a proxy has them. */
export interface DelayFigures {
  readonly delay_p50_seconds?: number | undefined;
  readonly delay_p99_seconds?: number | undefined;
  readonly delays_measured?: number | undefined;
}

/** In seconds; or why there are none. */
export function delaysOf(figures: DelayFigures): { p50: number; p99: number } | string {
  const { delay_p50_seconds: p50, delay_p99_seconds: p99, delays_measured } = figures;
  if (delays_measured === undefined) return "not measured (needs Linux)";
  return p50 === undefined || p99 === undefined ? "none measured in the last minute" : { p50, p99 };
}

export function delayText(figures: DelayFigures): string {
  const delays = delaysOf(figures);
  if (typeof delays === "string") return `delay: ${delays}`;
  return `delay: p50 ${millisecondsWords(delays.p50)}, p99 ${millisecondsWords(delays.p99)} in the last minute`;
}
