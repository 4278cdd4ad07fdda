/**
 * How long the machine, not the program under test, was the reason that something came late: what a deadline in a test is
 * lengthened by. On a quiet machine that is nothing.
 */
import { readFileSync } from "node:fs";
import { until } from "./until.ts";

const TICK_MS = 10;
/** No timer is more exact than that. */
const USUAL_LATENESS_MS = 5;
/** Beyond what something may take, for the test to say how late it was. */
const PATIENCE_MS = 10_000;

/** Time stamps are those of Date.now, as in logs. */
const late: { readonly atMs: number; readonly ms: number }[] = [];
/** What the main threads of watched programs have waited for a processor since they were started, as far as is known. */
const waitedMs = new Map<number, number>();
/** Those that still run. */
const watched = new Set<number>();
let lastMs = performance.now();
setInterval(() => {
  const nowMs = performance.now();
  const lateMs = nowMs - lastMs - TICK_MS;
  lastMs = nowMs;
  if (lateMs > USUAL_LATENESS_MS) late.push({ atMs: Date.now(), ms: lateMs });
  for (const pid of watched) waitedForProcessorMs(pid);
}, TICK_MS).unref();
export interface StallWatch {
  /** Milliseconds since it began: what timers of this process were late, and what the programs waited for a processor. */
  readonly stalledMs: () => number;
}

export function watchStalls(pids: readonly number[]): StallWatch {
  const beganMs = Date.now();
  for (const pid of pids) watched.add(pid);
  const began = new Map(pids.map((pid) => [pid, waitedForProcessorMs(pid)]));
  const stalledMs = () => {
    const here = late.reduce((sum, { atMs, ms }) => (atMs >= beganMs ? sum + ms : sum), 0);
    const there = pids.map((pid) => waitedForProcessorMs(pid) - (began.get(pid) ?? 0));
    return here + there.reduce((sum, ms) => sum + ms, 0);
  };
  return { stalledMs };
}

/** Waits for something that must come in time: within so many milliseconds, and what the machine stalled meanwhile. */
export async function inTime<T>(
  what: string,
  ready: () => T | Promise<T>,
  withinMs: number,
  pids: readonly number[],
): Promise<void> {
  const stalls = watchStalls(pids);
  const beganMs = performance.now();
  await until(what, ready, withinMs + PATIENCE_MS);
  const tookMs = performance.now() - beganMs;
  const stalledMs = stalls.stalledMs();
  if (tookMs <= withinMs + stalledMs) return;
  const slack = `the machine stalled for ${stalledMs.toFixed()} ms`;
  throw new Error(`${what} after ${tookMs.toFixed()} ms, and not within ${withinMs} ms (${slack})`);
}

/** How long a program's main thread has waited for a processor until now, or until it was seen last. */
export function waitedForProcessorMs(pid: number): number {
  try {
    const [, waitedNs] = readFileSync(`/proc/${pid}/schedstat`, "utf8").split(" ");
    waitedMs.set(pid, Number(waitedNs) / 1e6);
  } catch {
    watched.delete(pid);
  }
  return waitedMs.get(pid) ?? 0;
}
