/**
 * Everything that a test opens is closed again, also when the test fails or takes too long. So no test may have
 * expectations in `afterEach`: Bun 1.4.5 does not do what `onTestFinished` was given if that throws.
 */
import { afterAll } from "bun:test";

/** Takes what is to be done in the end: of a test (`onTestFinished`), or of a file (what `endOfFile` returns). */
export type AtEnd = (cleanUp: () => void | Promise<void>) => void;

/**
 * For what the tests of a file share. To be called at the top of the file: Bun 1.4.5 runs an `afterAll` that is
 * registered within `beforeAll` before the first test.
 */
export function endOfFile(): AtEnd {
  const cleanUps: (() => void | Promise<void>)[] = [];
  afterAll(async () => {
    for (const cleanUp of cleanUps.reverse()) await cleanUp();
  });
  return (cleanUp) => void cleanUps.push(cleanUp);
}
