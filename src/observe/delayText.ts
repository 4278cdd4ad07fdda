/** How long lines take, in words: the same on the page, in `top` and on the console. */
import { millisecondsWords } from "../text/quantities.ts";

/** The figures that it is said of, as far as a proxy has them. */
interface DelayFigures {
  readonly delay_p50_seconds?: number | undefined;
  readonly delay_p99_seconds?: number | undefined;
  readonly delays_measured?: number | undefined;
}

export function delayText({ delay_p50_seconds: p50, delay_p99_seconds: p99, delays_measured }: DelayFigures): string {
  if (delays_measured === undefined) return "delay: not measured (needs Linux)";
  if (p50 === undefined || p99 === undefined) return "delay: no datagram in the last minute";
  return `delay: p50 ${millisecondsWords(p50)}, p99 ${millisecondsWords(p99)} in the last minute`;
}
