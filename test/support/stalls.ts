/**
 * How long the machine, not the program under test, was the reason that something came late: what a deadline in a test is
 * lengthened by. On a quiet machine that is nothing.
 */
import { readFileSync } from "node:fs";

const TICK_MS = 10;
/** No timer is more exact than that. */
const USUAL_LATENESS_MS = 5;

/** Time stamps are those of Date.now, as in logs. */
const late: { readonly atMs: number; readonly ms: number }[] = [];
let lastMs = performance.now();
setInterval(() => {
  const nowMs = performance.now();
  const lateMs = nowMs - lastMs - TICK_MS;
  lastMs = nowMs;
  if (lateMs > USUAL_LATENESS_MS) late.push({ atMs: Date.now(), ms: lateMs });
}, TICK_MS).unref();

export interface StallWatch {
  /** Milliseconds since it began: what timers of this process were late, and what the programs waited for a processor. */
  readonly stalledMs: () => number;
}

export function watchStalls(pids: readonly number[]): StallWatch {
  const beganMs = Date.now();
  const began = new Map(pids.map((pid) => [pid, waitedMs(pid)]));
  const stalledMs = () => {
    const here = late.reduce((sum, { atMs, ms }) => (atMs >= beganMs ? sum + ms : sum), 0);
    const there = pids.map((pid) => Math.max(0, waitedMs(pid) - (began.get(pid) ?? 0)));
    return here + there.reduce((sum, ms) => sum + ms, 0);
  };
  return { stalledMs };
}

/** What a program's main thread has waited for a processor since it was started; 0 once it is gone. */
function waitedMs(pid: number): number {
  try {
    const [, waitedNs] = readFileSync(`/proc/${pid}/schedstat`, "utf8").split(" ");
    return Number(waitedNs) / 1e6;
  } catch {
    return 0;
  }
}
