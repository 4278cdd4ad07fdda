import { expect, test } from "bun:test";
import { problemText } from "../../src/config/problem.ts";

test("a problem is told with its path, if it has one", () => {
  expect(problemText({ at: "nodes[1].port", message: "wrong" })).toBe("nodes[1].port: wrong");
  expect(problemText({ at: "", message: "the file is empty" })).toBe("the file is empty");
});
