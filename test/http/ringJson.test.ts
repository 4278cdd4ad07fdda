import { expect, test } from "bun:test";
import { ringJson } from "../../src/http/ringJson.ts";

test("a ring has parts and shares of its own list of nodes", () => {
  expect(ringJson({ labels: ["b", "a"], parts: [1, 0, -1], fullShares: [0.25, 0.75] })).toEqual({
    nodes: ["b", "a"],
    parts: [1, 0, -1],
    full_shares: [0.25, 0.75],
  });
});

test("a mirror has nodes alone", () => {
  expect(ringJson({ labels: ["a"], parts: undefined, fullShares: undefined })).toEqual({
    nodes: ["a"],
    parts: null,
    full_shares: null,
  });
});
