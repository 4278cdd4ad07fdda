/** Whether every mutant still fits the code. `bun run mutants` takes minutes, and tests whether each is killed. */
import { expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { MUTANTS } from "../../scripts/mutants/list.ts";
import { mutated } from "../../scripts/mutants/mutant.ts";

const ROOT = join(import.meta.dir, "..", "..");

test.each(MUTANTS.map(({ name }) => name))("%s fits the code, and its tests exist", (name) => {
  const [mutant, ...others] = MUTANTS.filter((other) => other.name === name);
  expect(others).toEqual([]);
  const text = readFileSync(join(ROOT, mutant.file), "utf8");
  expect(mutated(mutant, text)).not.toBe(text);
  expect(mutant.tests.filter((file) => !existsSync(join(ROOT, "test", file)))).toEqual([]);
  expect(mutant.tests).not.toBeEmpty();
});

test("a mutant whose place is gone or ambiguous is an error that names it", () => {
  const mutant = { name: "twice", file: "src/a.ts", find: "b", replace: "c", tests: [] };
  expect(() => mutated(mutant, "ab")).not.toThrow();
  expect(() => mutated(mutant, "a")).toThrow('twice: "b" is 0 times in src/a.ts, not once');
  expect(() => mutated(mutant, "abb")).toThrow('twice: "b" is 2 times in src/a.ts, not once');
});
