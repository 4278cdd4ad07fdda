/** The system's clock. */
import type { Clock, Timer } from "./clock.ts";
import { openLibc, threadProcessorMs } from "./libc.io.ts";
import { SharedTimer, SharedTimers, type TimerClock } from "./sharedTimers.ts";

const runtimeTimers: TimerClock = {
  nowMs: () => performance.now(),
  setTimeout: (run, ms) => setTimeout(run, ms),
  setImmediate: (run) => void setImmediate(run),
  cancel: (timer) => clearTimeout(timer as ReturnType<typeof setTimeout> | undefined),
};

const sharedTimers = new SharedTimers(runtimeTimers);

export const systemClock: Clock = {
  ...runtimeTimers,
  epochMs: () => Date.now(),
  setSharedTimeout: (run, ms) => sharedTimers.setTimeout(run, ms),
  setInterval: (run, ms) => sharedTimers.setInterval(run, ms),
  cancel: (timer: Timer | undefined) =>
    timer instanceof SharedTimer ? sharedTimers.cancel(timer) : runtimeTimers.cancel(timer),
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
