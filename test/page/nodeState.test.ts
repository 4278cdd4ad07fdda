import { expect, test } from "bun:test";
import type { NodeJson } from "../../src/observe/statusJson.ts";
import { stateOf } from "../../src/page/nodeState.ts";
import { statusOf } from "../support/statusJson.ts";

const [NODE] = statusOf(["a"]).nodes;
const NOW = 9000;

const DOWN: Partial<NodeJson> = { up: false, state: "down" };
const FLAPPING: Partial<NodeJson> = { flapping: { changes: 36, since_ms: 0 } };

test.each<[string, string, Partial<NodeJson>, Parameters<typeof stateOf>[1]]>([
  ["bad ✕ down", "for 8 s", DOWN, []],
  ["bad ✕ flapping", "down, 36 changes in 5 min", { ...DOWN, ...FLAPPING }, []],
  ["fair ▲ flapping", "up, 36 changes in 5 min", FLAPPING, ["lines_refused"]],
  ["fair ▲ refusing, send errors", "for 8 s", {}, ["lines_refused", "send_errors"]],
  ["fair ▲ drained", "for 8 s", { ...FLAPPING, up: false, state: "drained" }, []],
  ["fair ▲ set down", "for 8 s", { up: false, state: "set down" }, []],
  ["good ● up", "for 8 s", {}, []],
])("%s", (words, moreWords, node, losses) => {
  const { look, text, more } = stateOf({ ...NODE, ...node }, losses, NOW);
  expect([`${look} ${text}`, more]).toEqual([words, moreWords]);
});

test("the worst come first, and one that flaps keeps its place as it comes and goes", () => {
  const rankOf = (node: Partial<NodeJson>, isLosing = false) =>
    stateOf({ ...NODE, ...node }, isLosing ? ["send_errors"] : [], NOW).rank;
  expect(rankOf({ ...DOWN, ...FLAPPING })).toBe(rankOf(FLAPPING));
  const ranks = [rankOf(DOWN), rankOf(FLAPPING), rankOf({}, true), rankOf({ up: false, state: "drained" }), rankOf({})];
  expect(ranks).toEqual([...new Set(ranks)].sort());
});
