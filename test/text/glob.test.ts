import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { globMatches, globOf } from "../../src/text/glob.ts";

describe("a pattern on a name", () => {
  test.each([
    ["web", "web.requests", true],
    ["requests", "web.requests", true],
    ["Web", "web.requests", false],
    ["web*", "web.requests", true],
    ["web.*", "a.web.requests", false],
    ["*.requests", "web.requests", true],
    ["web.?equests", "web.requests", true],
    ["web.?", "web.", false],
    ["*", "", true],
    ["", "anything", true],
    ["*a*b*", "xxaxxbxx", true],
    ["*b*a*", "xxaxxbxx", false],
    ["web.[rq]*", "web.requests", false],
    ["caf\xc3\xa9", "caf\xc3\xa9.x", true],
  ])("%j on %j: %p", (pattern, name, matches) => {
    expect(matchesGlob(pattern, name)).toBe(matches);
  });

  test("means what a regular expression would", () => {
    const text = fc.array(fc.constantFrom("a", "b", ".", "\xff", "\n"), { maxLength: 8 }).map((some) => some.join(""));
    const pattern = fc.array(fc.constantFrom("a", "b", ".", "*", "?"), { maxLength: 8 }).map((some) => some.join(""));
    fc.assert(
      fc.property(pattern, text, (pattern, text) => {
        const whole = /[*?]/.test(pattern) ? pattern : `*${pattern}*`;
        const source = whole.replaceAll(".", "\\.").replaceAll("*", "[^]*").replaceAll("?", "[^]");
        expect(matchesGlob(pattern, text)).toBe(new RegExp(`^${source}$`).test(text));
      }),
      { numRuns: 2000 },
    );
  });

  test("looks at no more than its range", () => {
    const bytes = Buffer.from("web.requests:1|c");
    expect(globMatches(globOf("*s"), bytes, 0, 12)).toBe(true);
    expect(globMatches(globOf("web"), bytes, 1, 12)).toBe(false);
  });

  test("adds a step to the meter for each byte that is compared", () => {
    const bytes = Buffer.from("web.requests:1|c");
    const meter = { steps: 100 };
    globMatches(Buffer.from("web.requests"), bytes, 0, 12, meter);
    expect(meter.steps).toBe(112);
    globMatches(Buffer.from("xeb.requests"), bytes, 0, 12, meter);
    expect(meter.steps).toBe(113);
  });

  test("with many stars is not dear", () => {
    // A backtracking matcher would not be done with this before the sun is out.
    expect(matchesGlob(`${"*a".repeat(200)}*b`, "a".repeat(4000))).toBe(false);
  });
});

function matchesGlob(pattern: string, name: string): boolean {
  const bytes = Buffer.from(name, "latin1");
  return globMatches(globOf(pattern), bytes, 0, bytes.length);
}
