/** What the user is told in one line, without a stack: the binary is missing, a relay died, a port was taken. */
export class Failure extends Error {}

/** What `promise` gives within `timeoutMs`. @throws Failure when that time is over */
export async function within<T>(timeoutMs: number, what: string, promise: Promise<T>): Promise<T> {
  let timer: Timer | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Failure(`${what}: not within ${Math.round(timeoutMs / 1000)} s`)), timeoutMs);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
