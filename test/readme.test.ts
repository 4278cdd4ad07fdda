import { expect, test } from "bun:test";
import { withFigures } from "../scripts/figures.ts";

test("the README lists every counter as the console shows it (bun scripts/figures.ts writes the list)", async () => {
  const readme = await Bun.file(new URL("../README.md", import.meta.url)).text();
  expect(readme).toBe(withFigures(readme));
});
