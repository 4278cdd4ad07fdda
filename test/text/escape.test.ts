import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { escapeBytes, escapeControls } from "../../src/text/escape.ts";

const SHOWN_MAX = 512;

describe("escapeBytes", () => {
  test.each([
    ["foo:1|c", "foo:1|c"],
    ["a b~!", "a b~!"],
    ["a\nb\r\tc", "a\\nb\\r\\tc"],
    ["a\\nb", "a\\\\nb"],
    ["\x1b[31mred\x07\x00\x7f", "\\x1b[31mred\\x07\\x00\\x7f"],
    ["caf\xe9\x80\xff", "caf\\xe9\\x80\\xff"],
    ["", ""],
  ])("%j is shown as %s", (text, shown) => {
    expect(escapeBytes(Buffer.from(text, "latin1"))).toBe(shown);
  });

  test("shows printable ASCII and nothing else, and no two inputs alike", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: SHOWN_MAX, size: "max" }), (bytes) => {
        const shown = escapeBytes(bytes);
        expect(shown).toMatch(/^[\x20-\x7e]*$/);
        expect(bytesOf(shown)).toEqual(Array.from(bytes));
      }),
    );
  });

  test("cuts what is longer than 512 bytes, and says how long it was", () => {
    expect(escapeBytes(Buffer.alloc(SHOWN_MAX, "x"))).toBe("x".repeat(SHOWN_MAX));
    expect(escapeBytes(Buffer.alloc(SHOWN_MAX + 1, "x"))).toBe(`${"x".repeat(SHOWN_MAX)}... (513 bytes)`);
    expect(escapeBytes(Buffer.alloc(65_507)).length).toBeLessThan(4 * SHOWN_MAX + 30);
  });
});

function bytesOf(shown: string): number[] {
  const escapes: Readonly<Record<string, number>> = { "\\n": 10, "\\r": 13, "\\t": 9, "\\\\": 92 };
  const pieces = shown.match(/\\x[0-9a-f]{2}|\\.|[^\\]/g) ?? [];
  return pieces.map((piece) => {
    if (piece.startsWith("\\x")) return Number.parseInt(piece.slice(2), 16);
    return escapes[piece] ?? piece.charCodeAt(0);
  });
}

test.each([
  ["naïve ☂ 🎈", "naïve ☂ 🎈"],
  ["a\nb\x1b[2J", "a\\u000ab\\u001b[2J"],
  ["\u2028\u202e\ud83d", "\\u2028\\u202e\\ud83d"],
])("escapeControls leaves of %j only what can be shown", (text, escaped) => {
  expect(escapeControls(text)).toBe(escaped);
});
