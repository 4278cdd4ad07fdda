import { expect, test } from "bun:test";
import { listedLabel, nodesByLabel, numberedLabel } from "../../src/page/nodesByLabel.ts";
import { statusOf } from "../support/statusJson.ts";

test("a node has the number of its place in the list, whatever place it had before", () => {
  const before = nodesByLabel(statusOf(["a", "b", "c"]).nodes);
  const after = nodesByLabel(statusOf(["c", "a", "d"]).nodes);
  const labels = ["a", "b", "c", "d"];
  expect(labels.map((label) => numberedLabel(label, before))).toEqual(["1: a", "2: b", "3: c", "d"]);
  expect(labels.map((label) => numberedLabel(label, after))).toEqual(["2: a", "b", "1: c", "3: d"]);
});

test("a label of the past is marked if its node was removed", () => {
  const listed = nodesByLabel(statusOf(["a", "b"]).nodes);
  expect(["a", "c"].map((label) => listedLabel(label, listed))).toEqual(["a", "c (removed)"]);
});
