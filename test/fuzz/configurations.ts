/** Configuration files of anything: they are read or refused with words, and what is read can be printed and read again. */
import { expect } from "bun:test";
import fc from "fast-check";
import { printedConfig, readConfig } from "../../src/config/config.ts";
import type { Fuzzer } from "./fuzzer.ts";
import { anyBytes, spoilt } from "./mutations.ts";

const PIECES = [
  ...[
    "{",
    "}",
    "[",
    "]",
    ":",
    ",",
    '"',
    "'",
    "\\",
    "\\u0041",
    "\\x",
    "//",
    "/*",
    "*/",
    "\n",
    "\t",
    "\ufeff",
    "\u2028",
    "\0",
  ],
  ...[
    "null",
    "true",
    "false",
    "NaN",
    "-Infinity",
    "0x1f",
    "1e999",
    "-0",
    "+1",
    ".5",
    "5.",
    "01",
    "1_000",
    "9".repeat(400),
  ],
  ...[
    "nodes",
    "NODES",
    "host",
    "port",
    "__proto__",
    "constructor",
    "toString",
    "\ud800",
    "🦀",
    "[".repeat(3000),
    "{a:".repeat(3000),
  ],
];
const piece = fc.constantFrom(...PIECES);
const soup = fc.array(piece, { maxLength: 30 }).map((pieces) => pieces.join(""));

const KEYS = [
  ...[
    "host",
    "port",
    "address_ipv6",
    "managementhost",
    "managementport",
    "httphost",
    "httpport",
    "checkInterval",
    "fall",
  ],
  ...[
    "rise",
    "mirror",
    "ring",
    "failover",
    "cacheSize",
    "types",
    "maxDatagramBytes",
    "gather",
    "receiveBuffer",
    "name",
  ],
  ...[
    "selfMetrics",
    "server",
    "udp_version",
    "forkCount",
    "log",
    "mgmt_port",
    "mgmt_address",
    "address",
    "nodes",
    "weight",
  ],
  ...["adminport", "prefix", "interval", "HOST", "Port", "nodse", "", "__proto__", "toString", "a.b", "a[0]"],
];
const { letrec } = fc;
/** What no key wants, and what some want elsewhere. */
const { value: strange } = letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    fc.constantFrom<unknown>(
      null,
      true,
      false,
      "",
      "*",
      "-",
      "auto",
      "up",
      "127.0.0.1",
      "::1",
      "udp6",
      "etsy",
      "hold",
      "8125",
    ),
    fc.constantFrom<unknown>(
      0,
      -0,
      1,
      -1,
      0.5,
      65535,
      65536,
      1e9,
      2 ** 53,
      1e308,
      Number.POSITIVE_INFINITY,
      Number.NaN,
    ),
    fc.string({ unit: "binary", maxLength: 10 }),
    fc.constantFrom("x".repeat(300), "1.2.3.4.5", "a b", "\0", "/etc/passwd"),
    fc.array(tie("value"), { maxLength: 4 }),
    fc.dictionary(fc.constantFrom(...KEYS), tie("value"), { maxKeys: 4 }),
  ),
}));

const node = fc.record(
  {
    host: fc.constantFrom("127.0.0.1", "::1", "statsd.example.com", "10.0.0.1"),
    port: fc.integer({ min: 1, max: 65535 }),
    managementport: fc.integer({ min: 0, max: 65535 }),
    name: fc.constantFrom("a", "b", "naïve", "10.0.0.1:1"),
    weight: fc.integer({ min: 1, max: 100 }),
  },
  { requiredKeys: ["host", "port"] },
);
const good = fc.record(
  {
    nodes: fc.array(node, { minLength: 1, maxLength: 5 }),
    host: fc.constantFrom("0.0.0.0", "::", "localhost", "127.0.0.1"),
    port: fc.integer({ min: 1, max: 65535 }),
    managementport: fc.integer({ min: 1, max: 65535 }),
    httpport: fc.integer({ min: 0, max: 65535 }),
    checkInterval: fc.integer({ min: 10, max: 86_400_000 }),
    fall: fc.integer({ min: 1, max: 1000 }),
    mirror: fc.boolean(),
    ring: fc.constantFrom("farmhash", "etsy", "ketama"),
    failover: fc.constantFrom("rehash", "hold"),
    cacheSize: fc.integer({ min: 0, max: 10_000_000 }),
    types: fc.constantFrom<unknown>("*", ["*"], ["c", "g"], ["zzzz"]),
    maxDatagramBytes: fc.integer({ min: 0, max: 65507 }),
    gather: fc.integer({ min: 0, max: 100 }),
    address_ipv6: fc.boolean(),
    mgmt_port: fc.integer({ min: 1, max: 65535 }),
    udp_version: fc.constantFrom("udp4", "udp6"),
    forkCount: fc.constantFrom<unknown>(0, 3, "auto"),
    selfMetrics: fc.record({
      prefix: fc.constantFrom("a", "a.b-c"),
      interval: fc.integer({ min: 100, max: 86_400_000 }),
    }),
  },
  { requiredKeys: ["nodes"] },
);
/** A good one, in which some values are others, or stand elsewhere. */
const strangers = fc
  .tuple(good, fc.dictionary(fc.constantFrom(...KEYS), strange, { maxKeys: 3 }), fc.array(strange, { maxLength: 2 }))
  .map(([good, others, nodes]) => ({ ...good, nodes: [...good.nodes, ...nodes], ...others }));

/** As JSON5: what JSON has no words for is there, too. */
function json5(value: unknown): string {
  if (typeof value === "number") return Object.is(value, -0) ? "-0" : String(value);
  if (Array.isArray(value)) return `[${value.map(json5).join(", ")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  return `{ ${Object.entries(value)
    .map(([key, value]) => `${JSON.stringify(key)}: ${json5(value)}`)
    .join(", ")} }`;
}

const text = fc.oneof(
  { weight: 3, arbitrary: good.map(json5) },
  { weight: 4, arbitrary: strangers.map(json5) },
  { weight: 4, arbitrary: spoilt(good.map(json5), piece) },
  { weight: 2, arbitrary: soup },
  { weight: 1, arbitrary: anyBytes },
  { weight: 1, arbitrary: fc.string({ unit: "binary", maxLength: 60 }) },
  {
    weight: 1,
    arbitrary: fc
      .tuple(
        fc.constantFrom("[", "{a:", "{nodes:[", '{"nodes":[{host:'),
        fc.integer({ min: 1, max: 20_000 }),
        fc.boolean(),
      )
      .map(([open, depth, isClosed]) => open.repeat(depth) + (isClosed ? `1${closing(open).repeat(depth)}` : "")),
  },
);

function closing(open: string): string {
  return [...open]
    .reverse()
    .map((bracket) => (bracket === "[" ? "]" : bracket === "{" ? "}" : ""))
    .join("");
}

const read: Fuzzer = {
  name: "configurations: any text is read, or refused with a place and words, and what is read can be printed",
  property: fc.property(text, (text) => {
    const { config, errors, warnings, notes } = readConfig(text);
    for (const { at, message } of [...errors, ...warnings]) {
      expect(typeof at).toBe("string");
      expect(message).not.toBe("");
      // A line of the log or of a terminal each.
      expect(message.length + at.length).toBeLessThan(2000);
    }
    for (const note of notes) expect(note).not.toBe("");
    if (config === undefined) {
      expect(errors.length).toBeGreaterThan(0);
      // Without a place only what is said of the file as a whole.
      if (errors.some(({ at }) => at === "")) expect(errors.length).toBe(1);
      return;
    }
    expect(errors).toEqual([]);
    const again = readConfig(JSON.stringify(printedConfig(config)));
    expect({ errors: again.errors, warnings: again.warnings }).toEqual({ errors: [], warnings: [] });
    expect(again.config).toEqual(config);
  }),
};

export const CONFIGURATION_FUZZERS: readonly Fuzzer[] = [read];
