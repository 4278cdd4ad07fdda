import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { jsonLine, logfmt } from "../../src/log/logfmt.ts";

describe("logfmt", () => {
  test.each([
    [{ event: "listening" }, "event=listening"],
    [
      { event: "node_down", node: "127.0.0.1:8130", up: 2, last: false },
      "event=node_down node=127.0.0.1:8130 up=2 last=false",
    ],
    [{ reason: "no answer" }, 'reason="no answer"'],
    [{ line: "a=b" }, 'line="a=b"'],
    [{ line: 'say "hi"' }, 'line="say \\"hi\\""'],
    [{ line: "two\nlines" }, 'line="two\\nlines"'],
    [{ line: "" }, 'line=""'],
    [{ line: "foo:1|c" }, "line=foo:1|c"],
    [{ path: "C:\\temp" }, "path=C:\\temp"],
    [{ line: "café" }, 'line="café"'],
    [{}, ""],
  ])("%j is the line %s", (fields, line) => {
    expect(logfmt(fields)).toBe(line);
  });

  test("no value can add a pair, whatever it is", () => {
    fc.assert(
      fc.property(fc.array(value, { minLength: 1, maxLength: 5 }), (values) => {
        const pairs = values.map((value, i): [string, string] => [`key${i}`, value]);
        expect(pairsOf(logfmt(Object.fromEntries(pairs)))).toEqual(pairs);
      }),
      { numRuns: 500 },
    );
  });

  test("no value can start a line, or say something to a terminal, whatever it is", () => {
    fc.assert(
      fc.property(fc.array(value, { minLength: 1, maxLength: 5 }), (values) => {
        // Control characters, and what Unicode takes for the end of a line.
        expect(logfmt(Object.fromEntries(values.entries()))).not.toMatch(/[\p{Cc}\u2028\u2029]/u);
      }),
      { numRuns: 500 },
    );
  });
});

describe("a JSON line", () => {
  test("keeps numbers and truth as they are, and the order", () => {
    expect(jsonLine({ event: "node_up", nodes: 2, last: false })).toBe('{"event":"node_up","nodes":2,"last":false}');
  });

  test("is one line of printable characters that says the same, whatever the values are", () => {
    fc.assert(
      fc.property(fc.array(value, { maxLength: 5 }), (values) => {
        const fields = Object.fromEntries(values.map((value, i) => [`key${i}`, value]));
        const line = jsonLine(fields);
        expect(line).not.toMatch(/[\p{Cc}\u2028\u2029]/u);
        expect(JSON.parse(line)).toEqual(fields);
      }),
      { numRuns: 500 },
    );
  });
});

const value = fc.oneof(
  fc.string(),
  fc.string({ unit: "binary" }),
  fc
    .array(
      fc.constantFrom(
        "a",
        " ",
        "=",
        '"',
        "\\",
        "\n",
        "\r",
        "\t",
        "\0",
        "\x1b[2J",
        "\x7f",
        "\x85",
        "\x9b",
        "\u2028",
        " k=v",
      ),
    )
    .map((pieces) => pieces.join("")),
);

/** The pairs of a line, read in the plainest way: a bare word, or a JSON string. */
function pairsOf(line: string): [key: string, value: string][] {
  const pairs: [string, string][] = [];
  let rest = line;
  while (rest !== "") {
    const [pair, key, value] = rest.match(/^([^ ="]+)=("(?:[^"\\]|\\.)*"|[^ ="]*)(?: |$)/s) ?? [];
    if (pair === undefined) throw new Error(`no pair: ${rest}`);
    pairs.push([key, value.startsWith('"') ? JSON.parse(value) : value]);
    rest = rest.slice(pair.length);
  }
  return pairs;
}
