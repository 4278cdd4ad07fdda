import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { coreMemory } from "../../src/core/core.ts";
import { Inbox } from "../../src/core/inbox.ts";
import { Lines, REJECT_REASONS, Verdict } from "../../src/protocol/line.ts";
import { datagram, goodLine, hostileBytes, metricName } from "../support/arbitraries.ts";
import { DEFAULT_TYPES, type NaiveLine, naiveLines } from "../support/naiveLines.ts";

const INBOX = new Inbox();

const anyDatagram = fc.oneof(hostileBytes, datagram);
const seed = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 });
const typeLists = fc.oneof(
  fc.constant(DEFAULT_TYPES),
  fc.constant(["*"]),
  fc.uniqueArray(fc.constantFrom("c", "g", "ms", "s", "zzzz", "_e", "_sc", "foo"), { minLength: 1 }),
);

describe("the scanner", () => {
  test("finds the lines, names and verdicts that splitting strings finds", () => {
    fc.assert(
      fc.property(anyDatagram, typeLists, seed, (text, types, seed) => {
        const bytes = latin1(text);
        expect(linesOf(new Lines(types, seed), bytes, 0, bytes.length)).toEqual(naiveLines(text, types));
      }),
      { numRuns: 3000 },
    );
  });

  test("agrees with splitting strings on any bytes whatever", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300, size: "max" }), typeLists, (bytes, types) => {
        const text = Buffer.from(bytes).toString("latin1");
        expect(linesOf(new Lines(types, 1), latin1(text), 0, bytes.length)).toEqual(naiveLines(text, types));
      }),
      { numRuns: 500 },
    );
  });

  test("a datagram never changes what the next one holds, whether or not it was read to its end", () => {
    fc.assert(
      fc.property(fc.array(anyDatagram, { maxLength: 4 }), anyDatagram, fc.nat({ max: 5 }), (before, text, reads) => {
        const lines = new Lines(DEFAULT_TYPES, 1);
        for (const other of before) {
          lines.open(latin1(other), 0, other.length);
          for (let i = 0; i < reads; i++) lines.next();
        }
        expect(linesOf(lines, latin1(text), 0, text.length)).toEqual(naiveLines(text));
      }),
    );
  });

  test("reads only the datagram's part of a larger buffer, whatever the bytes around it are", () => {
    const around = fc.oneof(hostileBytes, fc.constantFrom("e{1,1}:t|x", "sc|n|0", "|n|0", "{1,1}:t|x", "\n", ":1|c"));
    fc.assert(
      fc.property(around, anyDatagram, around, (before, text, after) => {
        const bytes = latin1(before + text + after);
        const end = before.length + text.length;
        expect(linesOf(new Lines(DEFAULT_TYPES, 1), bytes, before.length, end)).toEqual(naiveLines(text));
      }),
      { numRuns: 2000 },
    );
  });

  test.each(["_", "_e", "_e{", "_e{1,1}", "_e{1,1}:", "_e{1,1}:t", "_s", "_sc", "_sc|", "_sc|n"])(
    "%j is no event and no check because of what an older datagram left behind it",
    (text) => {
      for (const whole of ["_e{1,1}:t|x", "_sc|n|0", `${text}:1|c`, `${text}|c`, `${text}\n`]) {
        const bytes = latin1(text + whole.slice(text.length));
        expect(linesOf(new Lines(DEFAULT_TYPES, 1), bytes, 0, text.length)).toEqual(naiveLines(text));
      }
    },
  );

  test("stays at the end once it is there", () => {
    fc.assert(
      fc.property(anyDatagram, (text) => {
        const lines = new Lines(DEFAULT_TYPES, 1);
        lines.open(latin1(text), 0, text.length);
        while (lines.next() !== Verdict.end);
        expect(lines.next()).toBe(Verdict.end);
        expect(lines.next()).toBe(Verdict.end);
      }),
    );
  });
});

describe("a type", () => {
  test.each(["foo:1|\0c", "foo:1|\0\0g", "foo:1|\0ms", "foo:1|\0", "foo:1|\0\0\0\0"])(
    "is unknown with NUL bytes before it: %j",
    (line) => {
      const bytes = latin1(line);
      const [{ verdict }] = linesOf(new Lines(DEFAULT_TYPES, 1), bytes, 0, bytes.length);
      expect(reasonOf(verdict)).toBe("unknown_type");
    },
  );

  test.each(["foo:1|_e", "foo:1|_sc"])("is unknown where a kind of line stands for it: %j", (line) => {
    const bytes = latin1(line);
    const [{ verdict }] = linesOf(new Lines(DEFAULT_TYPES, 1), bytes, 0, bytes.length);
    expect(reasonOf(verdict)).toBe("unknown_type");
  });

  test("is compared with every byte, whatever its bytes are", () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 6 }), (token) => {
        const type = Buffer.from(token).toString("latin1");
        const bytes = latin1(`foo:1|${type}`);
        const found = linesOf(new Lines(DEFAULT_TYPES, 1), bytes, 0, bytes.length);
        expect(found).toEqual(naiveLines(`foo:1|${type}`));
      }),
    );
  });
});

describe("the hash of a name", () => {
  test("is a 32-bit integer, and the same wherever and in whatever line the name stands", () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(goodLine, hostileBytes)), metricName, seed, (around, name, seed) => {
        const lines = new Lines(DEFAULT_TYPES, seed);
        const text = [...around, `${name}:1|c`, `_sc|${name}|0`, `_e{9,1}:${name}|x`, ...around].join("\n");
        const hashes = new Map<string, number>();
        const bytes = latin1(text);
        lines.open(bytes, 0, bytes.length);
        for (let verdict = lines.next(); verdict !== Verdict.end; verdict = lines.next()) {
          if (verdict !== Verdict.accepted) continue;
          expect(lines.nameHash).toBe(lines.nameHash | 0);
          const found = bytes.toString("latin1", lines.nameStart, lines.nameEnd);
          expect(lines.nameHash).toBe(hashes.get(found) ?? lines.nameHash);
          hashes.set(found, lines.nameHash);
        }
        expect(hashes.has(name)).toBe(true);
      }),
    );
  });

  test("depends on the seed", () => {
    const bytes = latin1("app.logins:1|c");
    const hashes = [1, 2, 3, 4].map((seed) => {
      const lines = new Lines(DEFAULT_TYPES, seed);
      lines.open(bytes, 0, bytes.length);
      lines.next();
      return lines.nameHash;
    });
    expect(new Set(hashes).size).toBe(4);
  });
});

/** The lines of `source[start, end)`, which lie in the core's memory as bulk reads leave them: with what is around. */
function linesOf(lines: Lines, source: Buffer, start: number, end: number): NaiveLine[] {
  const found: NaiveLine[] = [];
  const at = INBOX.bring(source, 0, source.length);
  const { bytes } = coreMemory;
  lines.open(bytes, at + start, at + end);
  for (let verdict = lines.next(); verdict !== Verdict.end; verdict = lines.next()) {
    const text = bytes.toString("latin1", lines.start, lines.lineEnd);
    const name = verdict === Verdict.accepted ? bytes.toString("latin1", lines.nameStart, lines.nameEnd) : "";
    found.push({ text, verdict, name });
  }
  return found;
}

function latin1(text: string): Buffer {
  return Buffer.from(text, "latin1");
}

function reasonOf(verdict: Verdict): string {
  return REJECT_REASONS[verdict - 1] ?? "accepted";
}
