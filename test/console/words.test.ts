import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { endsWithinCharacter, wordsOf } from "../../src/console/words.ts";

describe("the words of a line", () => {
  test.each<[string, string[] | undefined]>([
    ["", []],
    [" \t\r", []],
    ["ping", ["ping"]],
    ["  health \t down\r", ["health", "down"]],
    ['route "page views" b', ["route", "page views", "b"]],
    ['"a\\"b" "\\\\" "\\x41\\xC3\\xa9" "\\n\\r\\t"', ['a"b', "\\", "A\xc3\xa9", "\n\r\t"]],
    ['""', [""]],
    ['a"b" c\\n', ['a"b"', "c\\n"]],
    ['"open', undefined],
    ['"open\\"', undefined],
    ['"closed"but', undefined],
    // UTF-8 of "à", which ends in what Unicode takes for a space, and of a byte order mark.
    ["route voil\xc3\xa0 \xef\xbb\xbf", ["route", "voil\xc3\xa0", "\xef\xbb\xbf"]],
  ])("%j: %j", (line, words) => {
    expect(wordsOf(line)).toEqual(words);
  });

  test("never takes long, whatever the line", () => {
    for (const line of ['"'.repeat(100_000), "\\".repeat(100_000), `"${"\\".repeat(99_999)}`, '"a" '.repeat(25_000)]) {
      wordsOf(line);
    }
    fc.assert(fc.property(fc.string({ unit: "binary" }), (line) => void wordsOf(line)));
  });
});

test("text that ends within a character is known", () => {
  const whole = ["", "a", "\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x98\x80", "\xa0", "\xff", "\x80\x80"];
  const begun = ["\xc3", "a\xe2", "\xe2\x82", "\xf0", "\xf0\x9f", "\xf0\x9f\x98"];
  expect(whole.filter(endsWithinCharacter)).toEqual([]);
  expect(begun.filter((text) => !endsWithinCharacter(text))).toEqual([]);
});
