/** Clocks for tests. */
import { systemClock } from "../../src/system/clock.io.ts";
import type { Clock } from "../../src/system/clock.ts";

/** The system's, which notes the milliseconds of each timer that it is asked for. */
export function watchedClock(): { readonly clock: Clock; readonly delays: number[] } {
  const delays: number[] = [];
  const noted =
    (set: Clock["setTimeout"]): Clock["setTimeout"] =>
    (run, ms) => {
      delays.push(ms);
      return set(run, ms);
    };
  const { setTimeout, setInterval } = systemClock;
  return { clock: { ...systemClock, setTimeout: noted(setTimeout), setInterval: noted(setInterval) }, delays };
}
