import { describe, expect, test } from "bun:test";
import { FileChange } from "../../src/config/fileChange.ts";

/** What is seen, a letter for each look (`-`: no file), to `!` where that is a change. */
function changes(looks: string): string {
  const change = new FileChange();
  return [...looks].map((look) => (change.see(look === "-" ? undefined : look) ? "!" : ".")).join("");
}

describe("a file that is looked at", () => {
  test.each([
    ["is a change when it is the same for the second time", "aaaa", ".!.."],
    ["is one again when it is another", "aaabbb", ".!..!."],
    ["is one when it has come to rest, however often it changed", "aabcdefff", ".!.....!."],
    ["is none when it is back before it came to rest", "aabaaa", ".!...."],
    ["is none for a moment without it", "aa---aa", ".!....."],
    ["is one when it is missing for long, once", "aa------------", ".!.........!.."],
    ["is one when it is back after that", "aa----------aa", ".!.........!.!"],
  ])("%s", (_, looks, expected) => {
    expect(changes(looks)).toBe(expected);
  });
});
