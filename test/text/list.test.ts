import { expect, test } from "bun:test";
import { listText } from "../../src/text/list.ts";

test("a list names the first few, and says how many more there are", () => {
  expect(listText([], 2)).toBe("");
  expect(listText(["a", "b"], 2)).toBe("a b");
  expect(listText(["a", "b", "c", "d"], 2, ", ")).toBe("a, b, and 2 more");
});
