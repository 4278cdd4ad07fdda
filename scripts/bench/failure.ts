/** An error that is shown in one line, without a stack: the binary is missing, a relay died, a port was taken. */
export class Failure extends Error {}

/** The result of `promise`, if it comes within `timeoutMs`. @throws Failure otherwise */
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
