import { expect, test } from "bun:test";
import { type NodeSetting, nodeSettingText } from "../../src/observe/nodeSetting.ts";

const failing = { isWell: false, failure: "check tcp at port 1: no answer in 1 s" };

test.each<[setting: Partial<NodeSetting>, text: string]>([
  [{ word: "drain" }, "a drains: 25.0% of the names moved to 2 nodes\n"],
  [{ word: "drain", upCount: 1 }, "a drains: 25.0% of the names moved to 1 node\n"],
  [
    { word: "drain", upCount: 0, movedPart: 1 },
    "a drains: it gets no more lines\nno node is left: lines are dropped until one is up\n",
  ],
  [{ word: "drain", holds: true }, "a drains: 25.0% of the names moved to 2 nodes\n"],
  [{ word: "down" }, "a is set down: 25.0% of the names moved to 2 nodes\n"],
  [
    { word: "down", holds: true, movedPart: 0 },
    "a is set down: 30.0% of the names are held, and their lines dropped, until it is up\n",
  ],
  [{ word: "drain", movedPart: undefined, share: undefined }, "a drains: it gets no more lines\n"],
  [{ word: "up", was: "drain" }, "a is up: 25.0% of the names moved to it\n"],
  [{ word: "up", was: "down", movedPart: undefined }, "a is up\n"],
  [{ word: "up", was: "drain", ...failing }, "a is up again when it is well: check tcp at port 1: no answer in 1 s\n"],
  [{ word: "up", was: "up" }, "nothing changed: a goes by its checks already\n"],
  [{ word: "drain", was: "drain" }, "nothing changed: a drains already\n"],
])("%j", (setting, text) => {
  const usual = { was: "up", movedPart: 0.25, share: 0.3, holds: false, upCount: 2 } as const;
  expect(nodeSettingText("a", { word: "drain", ...usual, isWell: true, failure: undefined, ...setting })).toBe(text);
});
