/** A few cases of each in every check, other ones each time; the soak goes on with them. */
import { expect, setDefaultTimeout, test } from "bun:test";
import fc from "fast-check";
import { fuzz, fuzzFor } from "./fuzzer.ts";
import { FUZZERS } from "./fuzzers.ts";

setDefaultTimeout(60_000);

const CASES = 100;
const seed = Math.floor(Math.random() * 2 ** 31);

test.each(FUZZERS.map((fuzzer) => [fuzzer.name, fuzzer] as const))(`%s (seed ${seed})`, async (_, fuzzer) => {
  await fuzz(fuzzer, seed, CASES);
});

test("a case that fails is told with its seed and path", async () => {
  const failing = { name: "numbers: small", property: fc.property(fc.nat(), (number) => number < 10) };
  const fuzzed = { cases: 0 };
  const fuzzing = fuzzFor([failing], 10_000, 7, fuzzed);
  await expect(fuzzing).rejects.toThrow(/^numbers: small: .*seed: 7, path: "[\d:]+".*Counterexample: \[10\]/s);
  expect(fuzzed.cases).toBeGreaterThan(0);
});
