/** The system's clock. */
import type { Clock, Timer } from "./clock.ts";
import { openLibc, threadProcessorMs } from "./libc.io.ts";
import { SharedTimer } from "./sharedTimer.io.ts";
import { isSharedDelay } from "./timerSlots.ts";

export const systemClock: Clock = {
  nowMs: () => performance.now(),
  epochMs: () => Date.now(),
  setTimeout: (run, ms) => setTimeout(run, ms),
  setSharedTimeout: (run, ms) => {
    if (isSharedDelay(ms)) return new SharedTimer(run, ms, false);
    const dueMs = performance.now() + ms;
    return setTimeout(() => run(dueMs), ms);
  },
  setInterval: (run, ms) => (isSharedDelay(ms) ? new SharedTimer(run, ms, true) : setInterval(run, ms)),
  setImmediate: (run) => void setImmediate(run),
  cancel: (timer: Timer | undefined) =>
    timer instanceof SharedTimer ? timer.cancel() : clearTimeout(timer as ReturnType<typeof setTimeout> | undefined),
  sleep: sleeper(),
  ...processorClock(),
};

function processorClock(): Pick<Clock, "processorMs"> {
  try {
    const libc = openLibc();
    return { processorMs: () => threadProcessorMs(libc) };
  } catch {
    return {};
  }
}

/** Bun.sleepSync (1.4.5) takes whole milliseconds only, and Atomics.wait costs 10 us more per turn. */
function sleeper(): (ms: number) => void {
  try {
    const { usleep } = openLibc();
    return (ms) => void usleep(Math.round(1000 * ms));
  } catch {
    return Bun.sleepSync;
  }
}
