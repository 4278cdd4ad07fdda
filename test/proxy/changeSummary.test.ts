import { describe, expect, test } from "bun:test";
import { type Config, readConfig } from "../../src/config/config.ts";
import { changeSummary, reloadedText, summaryFields, summaryLines } from "../../src/proxy/changeSummary.ts";

function configOf(text: string): Config {
  const { config } = readConfig(text);
  if (config === undefined) throw new Error("the configuration is good");
  return config;
}

const NODES = 'nodes: [{ host: "a", port: 1 }, { host: "b", port: 1 }]';
const NO_RINGS = { before: undefined, after: undefined };

describe("a change", () => {
  const plain = configOf(`{ ${NODES} }`);
  const mirror = configOf(`{ ${NODES}, mirror: true }`);

  test("to mirroring, or from it, moves every name", () => {
    const summaries = [changeSummary(plain, mirror, NO_RINGS), changeSummary(mirror, plain, NO_RINGS)];
    expect(summaries.map(summaryLines)).toEqual([
      ["keys changed: mirror", "names that move: every name (mirroring begins)"],
      ["keys changed: mirror", "names that move: every name (mirroring ends)"],
    ]);
    expect(summaries.map(summaryFields)).toEqual([
      { keys: "mirror", mirroring: "begins" },
      { keys: "mirror", mirroring: "ends" },
    ]);
  });

  test("of nothing is told as that", () => {
    const nothing = changeSummary(mirror, mirror, NO_RINGS);
    expect(summaryLines(nothing)).toEqual([]);
    expect(reloadedText(nothing)).toBe("reloaded: nothing changes\n");
  });
});
