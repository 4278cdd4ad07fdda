/** Text as strangers spoil it. Text is latin1, a character a byte. */
import fc from "fast-check";

type Edit = (text: string) => string;

const anyByte = fc.integer({ min: 0, max: 255 }).map((byte) => String.fromCharCode(byte));

/** What a text is changed by: pieces put in, taken out, doubled, put in the place of others. */
function edit(pieces: fc.Arbitrary<string>): fc.Arbitrary<Edit> {
  const piece = fc.oneof({ weight: 3, arbitrary: pieces }, { weight: 1, arbitrary: anyByte });
  return fc
    .record({ at: fc.nat({ max: 0xffff }), length: fc.nat({ max: 12 }), piece, kind: fc.nat({ max: 3 }) })
    .map(({ at, length, piece, kind }) => (text) => {
      const start = text.length === 0 ? 0 : at % (text.length + 1);
      const before = text.slice(0, start);
      const cut = text.slice(start, start + length);
      const after = text.slice(start + length);
      return before + [piece + cut, "", cut + cut, piece][kind] + after;
    });
}

/** A text, spoilt in a few places or nowhere; `pieces` are those that make a difference in its language. */
export function spoilt(text: fc.Arbitrary<string>, pieces: fc.Arbitrary<string>): fc.Arbitrary<string> {
  return fc
    .tuple(text, fc.array(edit(pieces), { maxLength: 4 }))
    .map(([text, edits]) => edits.reduce((spoilt, edit) => edit(spoilt), text));
}

export const anyBytes: fc.Arbitrary<string> = fc
  .uint8Array({ maxLength: 300, size: "max" })
  .map((bytes) => Buffer.from(bytes).toString("latin1"));

/** A text in fragments, in order; none is empty. */
export function fragmentsOf(text: string, cuts: readonly number[]): string[] {
  const places = [...new Set(cuts.map((cut) => cut % (text.length + 1)))].sort((a, b) => a - b);
  return [0, ...places].map((from, i) => text.slice(from, places[i])).filter((fragment) => fragment !== "");
}

/** Where to cut texts of any length. */
export const cuts: fc.Arbitrary<number[]> = fc.array(fc.nat({ max: 0xffff }), { maxLength: 8 });
