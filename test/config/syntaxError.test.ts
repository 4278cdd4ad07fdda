import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import fc from "fast-check";
import { readConfig } from "../../src/config/config.ts";
import { excerptLines } from "../../src/config/problem.ts";
import { syntaxFault } from "../../src/config/syntaxError.ts";

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
  ])("%j", (text, problem) => expect(syntaxFault(text)?.message).toBe(problem));
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
    [
      "\u00e9",
      "line 1, column 1: expected { at the beginning, not \\xc3\\xa9; JavaScript is not run here: write only the object itself",
    ],
    [`{ port: !${"x".repeat(39)}`, `line 1, column 9: ${VALUE}, not !${"x".repeat(39)}`],
    [`{ port: ${"x".repeat(1000)} }`, `line 1, column 9: ${VALUE}, not ${"x".repeat(40)}...; ${NOT_RUN}`],
  ])("%j", (text, problem) => {
    expect(syntaxFault(text)?.message).toBe(problem);
    const excerpt = [...(syntaxFault(text)?.excerpt ?? [])];
    expect(readConfig(text).errors).toEqual([{ at: "", message: `not JSON: ${problem}`, excerpt }]);
  });

  test("behind any number of brackets that are not within each other", () => {
    expect(syntaxFault(`{ nodes: [${"{ port: [1] }, ".repeat(1000)} oops] }`)?.message).toMatch(
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
      if (error === undefined) expect(syntaxFault(text)?.message).toBeUndefined();
      else expect(error.message).toMatch(/^not JSON: line \d+, column \d+: expected [\x20-\x7e]{1,200}$/);
    }),
    { numRuns: 2000 },
  );
});

describe("the excerpt", () => {
  test.each([
    ["{\n  port: process.env.PORT || 8125,\n}", "  port: process.env.PORT || 8125,", "        ^"],
    ["{ host: 'a\n' }", "{ host: 'a", "          ^"],
    ["{ port: 1", "{ port: 1", "         ^"],
    ["\ufeff{ port: 1, , }", "{ port: 1, , }", "           ^"],
    ["{\n\tnodes: oops }", " nodes: oops }", "        ^"],
    ["{ name: 'caf\u00e9\x07', !oops }", "{ name: 'caf..', !oops }", "                 ^"],
    [`{ ${"a: 1, ".repeat(100)}!oops }`, `...${"a: 1, ".repeat(7).slice(-40)}!oops }`, `${" ".repeat(43)}^`],
    [`{ port: ${"x".repeat(1000)} }`, `{ port: ${"x".repeat(40)}`, "        ^"],
  ])("of %j has the line and a mark under the place", (text, line, mark) => {
    expect(syntaxFault(text)?.excerpt).toEqual([line, mark]);
    const [problem] = readConfig(text).errors;
    expect(excerptLines(problem)).toEqual([`  ${line}`, `  ${mark}`]);
  });
});

test.each([
  ["a program", "\x7fELF\x02\x01\x01\0\0", "this is a binary file, not a configuration"],
  ["compressed text", "\x1f\x8b\x08\0", "this is a binary file, not a configuration"],
  ["YAML", "# ours\nnodes:\n  - host: a", json5Instead("line 1, column 1", "# ours", "YAML")],
  ["YAML of other keys", "---\nserver: a\n", json5Instead("line 1, column 1", "---", "YAML")],
  ["a YAML list", "nodes: [ { host: a } ]", json5Instead("line 1, column 1", "nodes: [ { host: a } ]", "YAML")],
  ["TOML", "[relay]\nport = 1", json5Instead("line 1, column 1", "[relay]", "TOML or INI")],
  ["INI", "; ours\nport=1", json5Instead("line 1, column 1", "; ours", "TOML or INI")],
  ["XML", "<?xml version='1.0'?>", json5Instead("line 1, column 1", "<?xml version='1.0'?>", "XML")],
])("another tool's file is told as what it is: %s", (_, text, message) => {
  expect(readConfig(text).errors.map((problem) => problem.message)).toEqual([message]);
});

function json5Instead(place: string, found: string, form: string): string {
  const advice = `this looks like ${form}: write JSON5, { nodes: [ { host: ..., port: ... } ] }`;
  return `not JSON: ${place}: expected { at the beginning, not ${found}; ${advice}`;
}
