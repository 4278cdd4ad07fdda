/** What property tests draw from: bytes that senders might send. Text is latin1, a character a byte. */
import fc from "fast-check";

/** Pieces of lines, and what breaks them. */
const TOKENS = [
  ...[":", ":", "|", "|", "\n", "\n", "\r", "\r\n", "_e{", "_e{5,4}:", "_sc|", "_", "@", "#", "{", "}", "\0", "\x80"],
  ...["c", "g", "ms", "h", "s", "d", "C", "cc", "_e", "_sc", "1", "foo", "a", "b", ":1|c", ":1|ms|@0.1", "|#t:a"],
];
const token = fc.constantFrom(...TOKENS);
const anyByte = fc.integer({ min: 0, max: 255 }).map((byte) => String.fromCharCode(byte));

/** Any bytes, most of them such as lines are made of. */
export const hostileBytes: fc.Arbitrary<string> = fc
  .array(fc.oneof({ weight: 9, arbitrary: token }, { weight: 1, arbitrary: anyByte }), { maxLength: 40, size: "max" })
  .map((pieces) => pieces.join(""));

/** A metric's name: few of them, so that they come again. */
export const metricName: fc.Arbitrary<string> = fc
  .tuple(fc.constantFrom("app.logins", "db.query;t=v", "_error", "x", "caf\xe9", "page/views "), fc.nat({ max: 9 }))
  .map(([stem, digit]) => `${stem}${digit}`);

/** A line that the default types let pass. */
export const goodLine: fc.Arbitrary<string> = fc.oneof(
  fc
    .tuple(metricName, fc.nat({ max: 99999 }), fc.constantFrom("c", "g", "ms", "h", "s", "d", "c|@0.1", "g|#a:b,c"))
    .map(([name, value, type]) => `${name}:${value}|${type}`),
  fc.tuple(metricName, fc.nat({ max: 9 })).map(([name, status]) => `_sc|${name}|${status}`),
  fc.tuple(metricName, fc.nat({ max: 9 })).map(([title, text]) => `_e{9,1}:${title}|${text}`),
);

/** A datagram as they come: lines that mostly pass, with LF or CRLF, and now and then anything at all. */
export const datagram: fc.Arbitrary<string> = fc
  .array(
    fc.tuple(
      fc.oneof({ weight: 6, arbitrary: goodLine }, { weight: 1, arbitrary: hostileBytes }),
      fc.oneof({ weight: 6, arbitrary: fc.constant("\n") }, { weight: 1, arbitrary: fc.constantFrom("\r\n", "\n\n") }),
    ),
    { maxLength: 30, size: "max" },
  )
  .chain((lines) => {
    const text = lines.map(([line, end]) => line + end).join("");
    return fc.constantFrom(text, text.slice(0, -1));
  });
