/** Waiting for events: by looking again and again, with a deadline, and never by the length of a sleep alone. */

/** Looks again after so long, and later after a part of the time that has passed: to look costs a processor that others wait for. */
const LOOK_AGAIN_MS = 5;
const LOOK_AGAIN_MS_MAX = 25;
const LOOK_AGAIN_PART = 1 / 16;
/** Patience, no promise: the machine may be busy with other things. */
const DEADLINE_MS = 30_000;

/** Waits until `ready` returns something true, and returns that. @throws after the deadline, saying what did not come */
export async function until<T>(
  what: string,
  ready: () => T | Promise<T>,
  deadlineMs = DEADLINE_MS,
  lookAgainMs = LOOK_AGAIN_MS,
): Promise<Exclude<T, false | undefined>> {
  const beganMs = performance.now();
  for (;;) {
    const found = await ready();
    if (found) return found as Exclude<T, false | undefined>;
    const passedMs = performance.now() - beganMs;
    if (passedMs > deadlineMs) throw new Error(`${what}: has not come after ${deadlineMs} ms`);
    await Bun.sleep(Math.max(lookAgainMs, Math.min(passedMs * LOOK_AGAIN_PART, LOOK_AGAIN_MS_MAX)));
  }
}
