/**
 * Properties that hold whatever strangers send and whoever writes configuration files: a few cases of each in the check,
 * and in the soak as many as there is time for. fast-check says of a case that fails its seed and path.
 */
import fc from "fast-check";

export interface Fuzzer {
  readonly name: string;
  readonly property: fc.IProperty<unknown> | fc.IAsyncProperty<unknown>;
}

export interface Fuzzed {
  /** Cases so far. */
  cases: number;
}

/** A batch is no longer than this, whatever the cases cost. */
const BATCH_MS = 2000;
const BATCH_CASES = 1000;

/** Tries so many cases. @throws what fast-check says of the first that fails, made as small as it can be */
export async function fuzz({ property }: Fuzzer, seed: number, cases: number): Promise<void> {
  await fc.assert(property as fc.IAsyncProperty<unknown>, { seed, numRuns: cases });
}

/** Tries cases of each by turns until the time is up; their seeds follow from `seed`. @throws as `fuzz`, with the name */
export async function fuzzFor(fuzzers: readonly Fuzzer[], ms: number, seed: number, fuzzed: Fuzzed): Promise<void> {
  const endMs = performance.now() + ms;
  for (let turn = 0; performance.now() < endMs; turn++) {
    const { name, property } = fuzzers[turn % fuzzers.length];
    const result = await fc.check(property as fc.IAsyncProperty<unknown>, {
      seed: (seed + turn) | 0,
      numRuns: BATCH_CASES,
      interruptAfterTimeLimit: Math.min(BATCH_MS, endMs - performance.now()),
    });
    fuzzed.cases += result.numRuns;
    // Timers and sockets of the process get their turn.
    await Bun.sleep(0);
    if (result.failed && result.counterexample !== null) throw new Error(`${name}: ${fc.defaultReportMessage(result)}`);
  }
}
