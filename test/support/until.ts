/** Waiting for events: by looking again and again, with a deadline, and never by the length of a sleep alone. */

const LOOK_AGAIN_MS = 5;
/** Patience, no promise: the machine may be busy with other things. */
const DEADLINE_MS = 30_000;

/** Waits until `ready` returns something true, and returns that. @throws after the deadline, saying what did not come */
export async function until<T>(
  what: string,
  ready: () => T | Promise<T>,
  deadlineMs = DEADLINE_MS,
): Promise<Exclude<T, false | undefined>> {
  const endMs = performance.now() + deadlineMs;
  for (;;) {
    const found = await ready();
    if (found) return found as Exclude<T, false | undefined>;
    if (performance.now() > endMs) throw new Error(`${what}: has not come after ${deadlineMs} ms`);
    await Bun.sleep(LOOK_AGAIN_MS);
  }
}
