import { describe, expect, test } from "bun:test";
import { Lines, REJECT_REASONS, Verdict } from "../../src/protocol/line.ts";

const TYPES = ["c", "g", "ms", "h", "s", "d", "_e", "_sc"];

/** What became of each line: its text, and the name that it is routed by or the reason that it was refused for. */
function read(datagram: string, types: readonly string[] = TYPES): [line: string, name: string][] {
  const bytes = Buffer.from(datagram, "latin1");
  const lines = new Lines(types, 1);
  lines.open(bytes, 0, bytes.length);
  const found: [string, string][] = [];
  for (let verdict = lines.next(); verdict !== Verdict.end; verdict = lines.next()) {
    const name =
      verdict === Verdict.accepted
        ? bytes.toString("latin1", lines.nameStart, lines.nameEnd)
        : `!${REJECT_REASONS[verdict - 1]}`;
    found.push([bytes.toString("latin1", lines.start, lines.lineEnd), name]);
  }
  return found;
}

describe("a line that is accepted", () => {
  test.each([
    ["foo:1|c", "foo"],
    ["foo:1|c|@0.1", "foo"],
    ["foo:1|ms|#a:b,c|T1700000000|c:ci-1|e:it-x|card:low|whatever", "foo"],
    ["foo:1|c:200|ms", "foo"],
    ["foo:+4|g", "foo"],
    ["foo:-4.5e3|g", "foo"],
    ["foo:a:b|s", "foo"],
    ["foo:1:2:3|h", "foo"],
    ["foo:|c", "foo"],
    ["a|b:1|c", "a|b"],
    ["name;tag=v:1|c", "name;tag=v"],
    ["%s%n:1|c", "%s%n"],
    ["with space/and slash:1|d", "with space/and slash"],
    ["\x00\xff\x80:1|c", "\x00\xff\x80"],
    ["_e{5,4}:title|text|#t:a:b", "title"],
    ["_sc|db.ok|0|h:host|m:all:fine", "db.ok"],
    ["_error:1|c", "_error"],
    ["_e:1|c", "_e"],
    ["_sc:1|c", "_sc"],
  ])("%j is routed by %j", (line, name) => {
    expect(read(line)).toEqual([[line, name]]);
  });
});

describe("a line that is refused", () => {
  test.each([
    ["foo", "no_colon"],
    ["foo|c", "no_colon"],
    [":1|c", "empty_name"],
    [":", "empty_name"],
    ["foo:1", "no_pipe"],
    ["foo:", "no_pipe"],
    ["foo:1|", "empty_type"],
    ["foo:1||@0.1", "empty_type"],
    ["foo:1|x", "unknown_type"],
    ["foo:1|cc", "unknown_type"],
    ["foo:1|C", "unknown_type"],
    ["foo:1|toolong", "unknown_type"],
    ["foo:1|\0\0\0\0\0\0\x01c", "unknown_type"],
    ["_e{5,4}", "no_colon"],
    ["_e{5,4}:|text", "empty_name"],
    ["_e{5,4}:title", "no_pipe"],
    ["_sc||0", "empty_name"],
    ["_sc|db.ok", "no_pipe"],
  ])("%j is refused as %s", (line, reason) => {
    expect(read(line)).toEqual([[line, `!${reason}`]]);
  });
});

describe("a datagram", () => {
  test.each([
    ["", []],
    ["\n\n\n", []],
    ["\r\n\r\n", []],
    ["a:1|c\n", ["a:1|c"]],
    ["a:1|c\r\nb:2|g\r\n", ["a:1|c", "b:2|g"]],
    ["a:1|c\r", ["a:1|c"]],
    ["a:1|c\n\nb:2|g", ["a:1|c", "b:2|g"]],
    ["bad\na:1|c\n:x\nb:2|g", ["bad", "a:1|c", ":x", "b:2|g"]],
  ])("%j holds the lines %j", (datagram, lines) => {
    expect(read(datagram).map(([line]) => line)).toEqual(lines);
  });
});

describe("types", () => {
  test("those of the list pass, and no others", () => {
    expect(read("a:1|c\nb:1|ms\nc:1|zz\n_e{1,1}:t|x\n_sc|n|0", ["ms", "zz"]).map(([, name]) => name)).toEqual([
      "!unknown_type",
      "b",
      "c",
      "!unknown_type",
      "!unknown_type",
    ]);
  });

  test("* lets every type pass that is not empty", () => {
    expect(read("a:1|whatever\nb:1|\n_e{1,1}:t|x\n_sc|n|0", ["*"]).map(([, name]) => name)).toEqual([
      "a",
      "!empty_type",
      "t",
      "n",
    ]);
  });
});
