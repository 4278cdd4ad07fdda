import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import fc from "fast-check";
import { readConfig } from "../../src/config/config.ts";
import { syntaxProblem } from "../../src/config/syntaxError.ts";

const VALUE = 'expected a plain value, such as 8125 or "text"';
const NOT_RUN = "JavaScript is not run here: write the value itself";

describe("JavaScript, which Etsy's proxy runs, is told with its place and what to write instead", () => {
  test.each([
    ["{\n  port: process.env.PORT || 8125\n}", `line 2, column 9: ${VALUE}, not process.env.PORT || 8125; ${NOT_RUN}`],
    ["{ host: require('os').hostname() }", `line 1, column 9: ${VALUE}, not require('os').hostname() }; ${NOT_RUN}`],
    // biome-ignore lint/suspicious/noTemplateCurlyInString: Etsy's proxy puts it together
    ["{\r\n\r\nhost: `${h}` }", `line 3, column 7: ${VALUE}, not \`\${h}\` }; ${NOT_RUN}`],
    ["{ port: testPort }", `line 1, column 9: ${VALUE}, not testPort }; ${NOT_RUN}`],
    ["{ port: (1) }", `line 1, column 9: ${VALUE}, not (1) }; ${NOT_RUN}`],
    ["{ port: 8000 + 125 }", `line 1, column 14: expected , or }, not + 125 }; ${NOT_RUN}`],
    ["{ port: 8125 || 1 }", `line 1, column 14: expected , or }, not || 1 }; ${NOT_RUN}`],
    ["{ host: 'a'.trim() }", `line 1, column 12: expected , or }, not .trim() }; ${NOT_RUN}`],
    ["{ nodes: [1, ...more] }", `line 1, column 14: ${VALUE}, not ...more] }; ${NOT_RUN}`],
    ["{ ...base }", `line 1, column 3: expected a key or }, not ...base }; ${NOT_RUN}`],
    [
      "module.exports = { port: 1 }",
      "line 1, column 1: expected { at the beginning, not module.exports = { port: 1 }; " +
        "JavaScript is not run here: write only the object itself",
    ],
  ])("%j", (text, problem) => expect(syntaxProblem(text)).toBe(problem));
});

describe("any other fault is told with its place, and what is there", () => {
  test.each([
    ["{ host: 127.0.0.1 }", `line 1, column 9: ${VALUE}, not 127.0.0.1 }`],
    ["{ port: 08125 }", `line 1, column 9: ${VALUE}, not 08125 }`],
    ["{ port: 1 host: 2 }", "line 1, column 11: expected , or }, not host: 2 }"],
    ["{ port: 1\n  host: 2 }", "line 2, column 3: expected , or }, not host: 2 }"],
    ["\ufeff{ port: 1, , }", "line 1, column 12: expected a key or }, not , }"],
    ["{ /* a\n b */ types: [1 2] }", "line 2, column 17: expected , or ], not 2] }"],
    ["{ port 1 }", "line 1, column 8: expected :, not 1 }"],
    ["{ host: 'a\n' }", "line 1, column 11: expected a closing ', but the line ends here"],
    ["{ host: '\\u12' }", "line 1, column 10: expected an escape, such as \\n or \\u0041, not \\\\u12' }"],
    ["{ port: 1", "line 1, column 10: expected , or }, but the file ends here"],
    ["// ours\n", "line 2, column 1: expected { at the beginning, but the file ends here"],
    ["{ port: 1 /* ", "line 1, column 11: expected , or }, not /*"],
    ["{};", "line 1, column 3: expected the end of the file, not ;"],
    ["\0\u0001\u00e9", "line 1, column 1: expected { at the beginning, not \\x00\\x01\\xc3\\xa9"],
    [`{ port: !${"x".repeat(39)}`, `line 1, column 9: ${VALUE}, not !${"x".repeat(39)}`],
    [`{ port: ${"x".repeat(1000)} }`, `line 1, column 9: ${VALUE}, not ${"x".repeat(40)}...; ${NOT_RUN}`],
  ])("%j", (text, problem) => {
    expect(syntaxProblem(text)).toBe(problem);
    expect(readConfig(text).errors).toEqual([{ at: "", message: `not JSON: ${problem}` }]);
  });

  test("behind any number of brackets that are not within each other", () => {
    expect(syntaxProblem(`{ nodes: [${"{ port: [1] }, ".repeat(1000)} oops] }`)).toMatch(
      /^line 1, column 15012: .* not oops/,
    );
  });

  test("brackets within each other without an end", () => {
    expect(readConfig(`{ a: ${"[".repeat(1e6)} }`).errors[0].message).toMatch(
      /column 105: expected at most 100 nested brackets/,
    );
  });
});

test("an object has a fault exactly if Bun's reader refuses it", () => {
  const example = readFileSync(require.resolve("statsd/exampleProxyConfig.js"), "utf8");
  const pieces = ["'", '"', "\\", "{", "}", "[", "]", ",", ":", "/*", "*/", "//", "\n", "\r", "\u2028", " ", "-", "."];
  const more = ["0x1f", "1e3", "1.", "007", "\\x4", "\\0", "true", "nul", "Infinity", "x", "$", "\u00e9", "\\u0041"];
  const edit = fc.tuple(fc.nat(example.length), fc.nat(3), fc.constantFrom("", ...pieces, ...more));
  const text = fc.array(edit, { maxLength: 3 }).map((edits) => {
    let edited = example;
    for (const [at, cut, put] of edits) edited = edited.slice(0, at) + put + edited.slice(at + cut);
    return edited;
  });
  fc.assert(
    fc.property(text, (text) => {
      const [error] = readConfig(text).errors.filter(({ message }) => message.startsWith("not JSON"));
      if (error === undefined) expect(syntaxProblem(text)).toBeUndefined();
      else expect(error.message).toMatch(/^not JSON: line \d+, column \d+: expected [\x20-\x7e]{1,200}$/);
    }),
    { numRuns: 2000 },
  );
});
