import { expect, test } from "bun:test";
import fc from "fast-check";
import { joinedBy, piecesOf } from "../../src/text/pieces.ts";

function wholeOf(parts: readonly string[]): string {
  const { text, rest } = piecesOf(parts);
  let whole = text;
  for (let piece = rest?.next(); piece && !piece.done; piece = rest?.next()) whole += piece.value;
  return whole;
}

test("together they are the text", () => {
  const part = fc.oneof(fc.string(), fc.constantFrom("", "x".repeat(7000)));
  fc.assert(
    fc.property(fc.array(part, { maxLength: 1000, size: "max" }), (parts) =>
      expect(wholeOf(parts)).toBe(parts.join("")),
    ),
    { numRuns: 50 },
  );
});

test("a short text is one, and a long one is made no further than it is read", () => {
  expect(piecesOf(["a", "", "b"])).toEqual({ text: "ab" });
  let made = 0;
  function* parts() {
    for (; made < 100; made++) yield "x".repeat(10_000);
  }
  const { text, rest } = piecesOf(parts());
  expect([text.length, made]).toEqual([20_000, 1]);
  rest?.next();
  expect(made).toBe(3);
});

test("parts without text are work, too, and interrupt it", () => {
  let made = 0;
  function* parts() {
    for (; made < 10_000; made++) yield "";
    yield "end";
  }
  const { text, rest } = piecesOf(parts());
  expect(text).toBe("");
  expect(made).toBeLessThan(10);
  let last = "";
  for (let piece = rest?.next(); piece && !piece.done; piece = rest?.next()) last = piece.value;
  expect(last).toBe("end");
});

test("joinedBy joins so many at a time, and the rest at the end", () => {
  const numbers = Array.from({ length: 10 }, (_, i) => i);
  expect([...joinedBy(4, numbers, String)]).toEqual(["0123", "4567", "89"]);
  expect([...joinedBy(5, numbers, String)]).toEqual(["01234", "56789"]);
  expect([...joinedBy(4, [], String)]).toEqual([]);
});
