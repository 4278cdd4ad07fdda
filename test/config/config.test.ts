import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { readFileSync } from "node:fs";
import fc from "fast-check";
import exampleConfig from "../../exampleConfig.json";
import { type Config, type ConfigReading, readConfig, strictly } from "../../src/config/config.ts";
import { problemText } from "../../src/config/problem.ts";

setDefaultTimeout(30_000);

const NODES = 'nodes: [{ host: "127.0.0.1", port: 8130 }]';
const NODE = {
  host: "127.0.0.1",
  port: 8130,
  managementport: 0,
  weight: 1,
  discover: false,
  label: "127.0.0.1:8130",
};
/** Of a file that says nothing of its ring, in words of Etsy's. */
const ETSYS_RING = "ring etsy, because the file uses Etsy's keys; set ring to override it";
/** The table of design.md, with the smallest file that is a good one. */
const DEFAULTS: Config = {
  host: "0.0.0.0",
  port: 8125,
  reusePort: false,
  managementhost: "127.0.0.1",
  managementport: 8126,
  httphost: "127.0.0.1",
  httpport: 0,
  nodes: [NODE],
  checkInterval: 1000,
  fall: 2,
  rise: 1,
  resolveInterval: 30_000,
  mirror: false,
  ring: "farmhash",
  failover: "rehash",
  cacheSize: 65536,
  types: ["c", "g", "ms", "h", "s", "d", "_e", "_sc"],
  maxDatagramBytes: 1432,
  receiveBuffer: 4194304,
};

describe("a number", () => {
  test.each<[path: string, min: number, max: number]>([
    ["port", 1, 65_535],
    ["managementport", 1, 65_535],
    ["httpport", 0, 65_535],
    ["checkInterval", 10, 86_400_000],
    ["fall", 1, 1000],
    ["rise", 1, 1000],
    ["cacheSize", 0, 10_000_000],
    ["maxDatagramBytes", 0, 65_507],
    ["gather", 0, 100],
    ["receiveBuffer", 4096, 2 ** 30],
    ["selfMetrics.interval", 100, 86_400_000],
    ["nodes[0].weight", 1, 100],
    ["nodes[0].port", 1, 65_535],
    ["nodes[0].managementport", 0, 65_535],
  ])("%s may be from %d to %d, and nothing else", (path, min, max) => {
    const errorsWith = (value: number) => {
      const [key, inner] = path.split(".");
      const inNode = inner !== undefined && key === "nodes[0]";
      const file = inNode
        ? { nodes: [{ host: "127.0.0.1", port: 8130, [inner]: value }] }
        : { nodes: [{ host: "127.0.0.1", port: 8130 }], [key]: inner === undefined ? value : { [inner]: value } };
      return readConfig(JSON.stringify(file)).errors.map(({ at }) => at);
    };
    expect([min, max].map(errorsWith)).toEqual([[], []]);
    expect([min - 1, max + 1].map(errorsWith)).toEqual([[path], [path]]);
  });
});

test("there may be 65535 nodes", () => {
  const nodes = Array.from({ length: 65_535 }, (_, i) => ({ host: "127.0.0.1", port: i + 1 }));
  expect(readConfig(JSON.stringify({ nodes })).config?.nodes).toHaveLength(65_535);
});

describe("a good file", () => {
  test("has a default for everything but the nodes", () => {
    expect(readConfig(`{ ${NODES} }`)).toEqual({ config: DEFAULTS, errors: [], warnings: [], notes: [] });
  });

  test.each<[string, string, Partial<Config>]>([
    ["plain JSON", '{"nodes":[{"host":"127.0.0.1","port":8130}],"port":9125}', { port: 9125 }],
    ["comments", `/* ours */ { ${NODES} // the one\n }`, {}],
    ["trailing commas", `{ ${NODES}, fall: 3, }`, { fall: 3 }],
    ["single quotes", `{ ${NODES}, 'host': '127.0.0.2' }`, { host: "127.0.0.2" }],
    ["a byte order mark", `\ufeff{ ${NODES} }`, {}],
    ["CRLF", `{\r\n  ${NODES},\r\n  rise: 4\r\n}\r\n`, { rise: 4 }],
    ["minus zero", `{ ${NODES}, httpport: -0, gather: -0 }`, { httpport: 0, gather: 0 }],
    ["a host name", `{ ${NODES}, host: "metrics.example.com" }`, { host: "metrics.example.com" }],
    ["mirroring", `{ ${NODES}, mirror: true }`, { mirror: true }],
    ["every type", `{ ${NODES}, types: "*" }`, { types: ["*"] }],
    ["every type, in a list", `{ ${NODES}, types: ["*"] }`, { types: ["*"] }],
    ["some types", `{ ${NODES}, types: ["c", "zzzz"] }`, { types: ["c", "zzzz"] }],
    ["the etsy ring", `{ ${NODES}, ring: "etsy", failover: "hold" }`, { ring: "etsy", failover: "hold" }],
    [
      "metrics of its own",
      `{ ${NODES}, selfMetrics: {} }`,
      { selfMetrics: { prefix: "statsd_proxy", interval: 10_000 } },
    ],
    [
      "metrics of its own, its way",
      `{ ${NODES}, selfmetrics: { PREFIX: "a.b-c_1", Interval: 1000 } }`,
      { selfMetrics: { prefix: "a.b-c_1", interval: 1000 } },
    ],
    ["the ketama ring", `{ ${NODES}, ring: "ketama" }`, { ring: "ketama" }],
    [
      "nothing gathered, remembered or packed",
      `{ ${NODES}, gather: 0, cacheSize: 0, maxDatagramBytes: 0 }`,
      { gather: 0, cacheSize: 0, maxDatagramBytes: 0 },
    ],
    [
      "an IPv6 host",
      `{ ${NODES}, host: "::1", managementhost: "fe80::1%eth0" }`,
      { host: "::1", managementhost: "fe80::1%eth0" },
    ],
    ["Etsy's address_ipv6", `{ ${NODES}, address_ipv6: true }`, { host: "::" }],
    ["Etsy's address_ipv6: false", `{ ${NODES}, address_ipv6: false }`, { host: "0.0.0.0" }],
    ["Etsy's address_ipv6 beside a host", `{ ${NODES}, address_ipv6: true, host: "::1" }`, { host: "::1" }],
    ["HTTP", `{ ${NODES}, httpPort: 9125, HttpHost: "0.0.0.0" }`, { httpport: 9125, httphost: "0.0.0.0" }],
    ["ports in quotes", `{ ${NODES}, port: '9125', managementport: "9126" }`, { port: 9125, managementport: 9126 }],
  ])("with %s", (_, text, differing) => {
    expect(readConfig(text)).toEqual({ config: { ...DEFAULTS, ...differing }, errors: [], warnings: [], notes: [] });
  });

  test.each<[string, string, Partial<Config>]>([
    ["mgmt_port", "mgmt_port: 9126", { managementport: 9126 }],
    ["mgmt_address", "mgmt_address: '0.0.0.0'", { managementhost: "0.0.0.0" }],
    ["server", "server: './servers/udp'", {}],
    ["forkCount", "forkCount: 1", {}],
    ["forkcount", "forkcount: 0", {}],
    ["udp_version: udp4", "udp_version: 'udp4'", {}],
    ["udp_version: udp6", "udp_version: 'udp6'", { host: "::" }],
    ["address", "address: '10.0.0.1'", { host: "10.0.0.1" }],
    ["mgmt_port beside keys of ours", "mgmt_port: 8126, failover: 'hold', gather: 0", { failover: "hold", gather: 0 }],
  ])("with Etsy's %s is Etsy's, and gets its ring", (_, words, differing) => {
    expect(readConfig(`{ ${NODES}, ${words} }`)).toEqual({
      config: { ...DEFAULTS, ...differing, ring: "etsy" },
      errors: [],
      warnings: [],
      notes: [ETSYS_RING],
    });
  });

  test.each(["farmhash", "etsy", "ketama"] as const)("that is Etsy's and says `ring: %s` has that ring", (ring) => {
    expect(readConfig(`{ ${NODES}, mgmt_port: 8126, RING: "${ring}" }`)).toEqual({
      config: { ...DEFAULTS, ring },
      errors: [],
      warnings: [],
      notes: [],
    });
  });

  test("that is Etsy's and mirrors has nothing to say of its ring", () => {
    expect(readConfig(`{ ${NODES}, mgmt_port: 8126, mirror: true }`)).toMatchObject({ warnings: [], notes: [] });
  });

  test.each([
    ["'auto'", "auto"],
    ["2", "2"],
    ["64", "64"],
  ])("with Etsy's forkCount: %s is told that one process does it", (value, shown) => {
    const { config, errors, warnings, notes } = readConfig(`{ ${NODES}, ring: "etsy", forkCount: ${value} }`);
    expect([errors, warnings]).toEqual([[], []]);
    expect(config).toEqual({ ...DEFAULTS, ring: "etsy" });
    expect(notes).toEqual([`forkCount ${shown} has no effect here: one process does all the work`]);
  });

  test.each([
    ["a name", "{ host: 'a', port: 1, adminport: 2, name: 'x' }", ["nodes[1].name"]],
    ["a weight", "{ host: 'a', port: 1, adminport: 2, weight: 2 }", ["nodes[1].weight"]],
    ["both", "{ host: 'a', port: 1, adminport: 2, weight: 2, name: 'x' }", ["nodes[1].name", "nodes[1].weight"]],
    ["its address for a name, and the others' weight", "{ host: 'a', port: 1, adminport: 2, name: 'a:1' }", []],
  ])("that is Etsy's with a node that has %s warns of what moves names", (_, node, paths) => {
    const nodes = `nodes: [{ host: '127.0.0.1', port: 8130 }, ${node}]`;
    const { errors, warnings } = readConfig(`{ ${nodes} }`);
    expect(errors).toEqual([]);
    expect(warnings.map(({ at }) => at)).toEqual(paths);
    for (const { message } of warnings) expect(message).toMatch(/Etsy's proxy.*other owners/);
    expect(readConfig(`{ ${nodes}, ring: "etsy" }`).warnings).toEqual([]);
  });

  test("that is Etsy's with one weight for all nodes moves no name", () => {
    const nodes = ["a", "b"].map((host) => `{ host: "${host}", port: 1, adminport: 2, weight: 3 }`);
    expect(readConfig(`{ nodes: [${nodes}] }`)).toMatchObject({ config: { ring: "etsy" }, warnings: [] });
  });

  test.each<[string, string, object]>([
    ["a port for checks", "{ host: '127.0.0.1', port: 8130, managementport: 8140 }", { ...NODE, managementport: 8140 }],
    ["a port of 0 for checks", "{ host: '127.0.0.1', port: 8130, managementport: 0 }", NODE],
    [
      "a port in quotes",
      "{ host: '127.0.0.1', port: '8130', managementport: '8140' }",
      { ...NODE, managementport: 8140 },
    ],
    ["a weight", "{ host: '127.0.0.1', port: 8130, weight: 3 }", { ...NODE, weight: 3 }],
    ["a name", "{ host: '127.0.0.1', port: 8130, name: 'blue' }", { ...NODE, name: "blue", label: "blue" }],
    ["an IPv6 address", "{ host: '::1', port: 8130 }", { ...NODE, host: "::1", label: "[::1]:8130" }],
    [
      "a host name",
      "{ host: 'a.example.com', port: 1 }",
      { ...NODE, host: "a.example.com", port: 1, label: "a.example.com:1" },
    ],
    [
      "keys in other cases",
      "{ HOST: '127.0.0.1', Port: 8130, ManagementPort: 8140 }",
      { ...NODE, managementport: 8140 },
    ],
  ])("with a node that has %s", (_, node, expected) => {
    expect(readConfig(`{ nodes: [${node}] }`)).toEqual({
      config: { ...DEFAULTS, nodes: [expected] } as Config,
      errors: [],
      warnings: [],
      notes: [],
    });
  });

  test.each([8140, 0])("with a node that has Etsy's adminport: %d is Etsy's", (adminport) => {
    expect(readConfig(`{ nodes: [{ host: '127.0.0.1', port: 8130, AdminPort: ${adminport} }] }`)).toEqual({
      config: { ...DEFAULTS, ring: "etsy", nodes: [{ ...NODE, managementport: adminport }] },
      errors: [],
      warnings: [],
      notes: [ETSYS_RING],
    });
  });

  test("with a name to discover nodes behind is one without a name of its own", () => {
    const node = { host: "statsd.test", port: 8125, discover: true, weight: 2 };
    expect(readConfig(JSON.stringify({ nodes: [node] })).config?.nodes).toEqual([
      { ...node, managementport: 0, label: "statsd.test:8125" },
    ]);
    expect(readConfig(JSON.stringify({ nodes: [{ ...node, name: "a" }], resolveInterval: 999 })).errors).toEqual([
      { at: "resolveInterval", message: "expected a whole number of milliseconds from 1000 to 86400000, not 999" },
      { at: "nodes[0].name", message: "discovered nodes are named by their addresses; remove name, or discover" },
    ]);
  });

  test("may say how a node is checked", () => {
    const node = { host: "127.0.0.1", port: 8130 };
    const checkOf = (check: object) => readConfig(JSON.stringify({ nodes: [{ ...node, check }] }));
    for (const check of [
      { type: "statsd", port: 8126 },
      { type: "statsd", port: 8126, expect: "ok" },
      { type: "tcp", port: 80 },
      { type: "http", port: 80 },
      { type: "http", port: 80, path: "/health?full=1", expect: "all is well" },
    ]) {
      const { config, errors, warnings } = checkOf(check);
      expect([config?.nodes[0].check, errors, warnings]).toEqual([check as never, [], []]);
    }
    expect(checkOf({ TYPE: "tcp", Port: "80", wait: 1 })).toMatchObject({
      config: { nodes: [{ check: { type: "tcp", port: 80 } }] },
      warnings: [{ at: "nodes[0].check.wait" }],
    });
  });

  test.each<[check: unknown, ...at: [string, string][]]>([
    ["tcp", ["", 'expected an object, { type: "http", port: 8080, path: "/health" }, not "tcp"']],
    [{ type: "tcp" }, [".port", "required, but missing"]],
    [{ type: "udp", port: 1 }, [".type", 'expected one of statsd, tcp, http, not "udp"']],
    [{ type: "tcp", port: 1, path: "/" }, [".path", "has no meaning for tcp"]],
    [{ type: "statsd", port: 1, path: "/" }, [".path", "has no meaning for statsd"]],
    [{ type: "tcp", port: 1, expect: "x" }, [".expect", "has no meaning for tcp"]],
    [
      { type: "http", port: 1, path: "health" },
      [".path", 'expected a path of 1 to 200 printable characters without spaces, beginning with /, not "health"'],
    ],
    [
      { type: "http", port: 1, path: "/a\r\nHost: b" },
      [
        ".path",
        String.raw`expected a path of 1 to 200 printable characters without spaces, beginning with /, not "/a\r\nHost: b"`,
      ],
    ],
    [{ type: "http", port: 1, expect: "" }, [".expect", 'expected 1 to 100 printable characters, not ""']],
  ])("may not say that a node is checked by %j", (check, ...problems) => {
    const { errors } = readConfig(JSON.stringify({ nodes: [{ host: "127.0.0.1", port: 8130, check }] }));
    expect(errors).toEqual(problems.map(([at, message]) => ({ at: `nodes[0].check${at}`, message })));
  });

  test("says once how a node is checked, or twice the same", () => {
    const nodeWith = (check: object) => ({ host: "127.0.0.1", port: 8130, managementport: 8126, check });
    const problemsOf = (check: object) => readConfig(JSON.stringify({ nodes: [nodeWith(check)] })).errors;
    expect(problemsOf({ type: "statsd", port: 8126 })).toEqual([]);
    const message = "managementport is a check already; keep one of the two";
    expect(problemsOf({ type: "statsd", port: 8127 })).toEqual([{ at: "nodes[0].check", message }]);
    expect(problemsOf({ type: "tcp", port: 8126 })).toEqual([{ at: "nodes[0].check", message }]);
  });

  test("keeps the order of its nodes", () => {
    const nodes = [8132, 8130, 8131].map((port) => ({ host: "127.0.0.1", port }));
    expect(readConfig(JSON.stringify({ nodes })).config?.nodes.map(({ port }) => port)).toEqual([8132, 8130, 8131]);
  });

  test("may write its keys in any case", () => {
    const full = {
      ...DEFAULTS,
      nodes: [{ host: "127.0.0.1", port: 8130, managementport: 8140, name: "a", weight: 2 }],
    };
    const expected = readConfig(JSON.stringify(full));
    expect(expected.config).toBeDefined();
    fc.assert(
      fc.property(fc.infiniteStream(fc.boolean()), (coins) => {
        const flip = (key: string) =>
          Array.from(key, (letter) => (coins.next().value ? letter.toUpperCase() : letter.toLowerCase())).join("");
        const flipKeys = (of: object) =>
          Object.fromEntries(Object.entries(of).map(([key, value]) => [flip(key), value]));
        const file = flipKeys({ ...full, nodes: full.nodes.map(flipKeys) });
        expect(readConfig(JSON.stringify(file))).toEqual(expected);
      }),
    );
  });
});

describe("files that are in use elsewhere", () => {
  test("the example of this project", () => {
    const { config, errors, warnings } = readConfig(JSON.stringify(exampleConfig));
    expect([errors, warnings]).toEqual([[], []]);
    expect(config).toEqual({
      ...DEFAULTS,
      nodes: [0, 1, 2].map((i) => ({
        ...NODE,
        port: 8130 + i,
        managementport: 8140 + i,
        label: `127.0.0.1:${8130 + i}`,
      })),
    });
  });

  test("the one in go-statsd-proxy's README", () => {
    const text = `{
      "nodes": [
        { "host": "127.0.0.1", "port": 8130 },
        { "host": "127.0.0.1", "port": 8131 }
      ],
      "host": "0.0.0.0",
      "port": 8125,
      "managementport": 8126,
      "checkInterval": 1000,
      "mirror": true
    }`;
    expect(readConfig(text)).toEqual({
      config: { ...DEFAULTS, mirror: true, nodes: [NODE, { ...NODE, port: 8131, label: "127.0.0.1:8131" }] },
      errors: [],
      warnings: [],
      notes: [],
    });
  });

  test("Etsy's exampleProxyConfig.js, as it is", () => {
    const file = require.resolve("statsd/exampleProxyConfig.js");
    expect(readConfig(readFileSync(file, "utf8"))).toEqual({
      config: {
        ...DEFAULTS,
        ring: "etsy",
        cacheSize: 10_000,
        nodes: [8127, 8129, 8131].map((port) => ({
          ...NODE,
          port,
          managementport: port + 1,
          label: `127.0.0.1:${port}`,
        })),
      },
      errors: [],
      warnings: [],
      notes: [ETSYS_RING],
    });
  });
});

describe("a bad file", () => {
  const nested = (depth: number) => "[".repeat(depth) + "]".repeat(depth);

  test.each([
    ["an empty one", "", ""],
    ["spaces", " \n\t", ""],
    ["only a comment", "// nothing yet", ""],
    ["no JSON", "nodes = 1", ""],
    ["JSON that is cut short", `{ ${NODES}`, ""],
    ["text behind the JSON", `{ ${NODES} } }`, ""],
    ["JSON nested without an end", `{ port: ${"[".repeat(200_000)}`, ""],
    ["JSON nested deeper than any configuration", `{ ${NODES}, types: ${nested(100)} }`, ""],
    ["JSON nested so deep that a message about it would take seconds", `{ ${NODES}, types: ${nested(30_000)} }`, ""],
    ["an array", `[{ ${NODES} }]`, ""],
    ["null", "null", ""],
    ["a number", "8125", ""],
    ["no nodes", "{}", "nodes"],
    ["nodes that are empty", "{ nodes: [] }", "nodes"],
    ["nodes that are no list", "{ nodes: { host: 'a', port: 1 } }", "nodes"],
    ["a node that is no object", "{ nodes: ['127.0.0.1:8130'] }", "nodes[0]"],
    ["a node that is null", "{ nodes: [null] }", "nodes[0]"],
    ["a node without a host", "{ nodes: [{ port: 8130 }] }", "nodes[0].host"],
    ["a node without a port", "{ nodes: [{ host: '127.0.0.1' }] }", "nodes[0].port"],
    ["a node with an empty host", "{ nodes: [{ host: '', port: 8130 }] }", "nodes[0].host"],
    ["a node with a URL for a host", "{ nodes: [{ host: 'udp://a', port: 8130 }] }", "nodes[0].host"],
    ["a node with port 0", "{ nodes: [{ host: '127.0.0.1', port: 0 }] }", "nodes[0].port"],
    ["a node with port 70000", "{ nodes: [{ host: '127.0.0.1', port: 70000 }] }", "nodes[0].port"],
    ["a node with a port in quotes", "{ nodes: [{ host: '127.0.0.1', port: '8125x' }] }", "nodes[0].port"],
    ["a node with half a port", "{ nodes: [{ host: '127.0.0.1', port: 81.25 }] }", "nodes[0].port"],
    ["a node with weight 0", "{ nodes: [{ host: '127.0.0.1', port: 8130, weight: 0 }] }", "nodes[0].weight"],
    ["a node with half a weight", "{ nodes: [{ host: '127.0.0.1', port: 8130, weight: 0.5 }] }", "nodes[0].weight"],
    ["a node with an empty name", "{ nodes: [{ host: '127.0.0.1', port: 8130, name: '' }] }", "nodes[0].name"],
    ["a name with a space", "{ nodes: [{ host: '127.0.0.1', port: 8130, name: 'a b' }] }", "nodes[0].name"],
    ["a name with a wide space", "{ nodes: [{ host: '127.0.0.1', port: 8130, name: 'a\u3000b' }] }", "nodes[0].name"],
    ["a name of two lines", "{ nodes: [{ host: '127.0.0.1', port: 8130, name: 'a\\u2028b' }] }", "nodes[0].name"],
    ["a name that hides", "{ nodes: [{ host: '127.0.0.1', port: 8130, name: 'a\\u200bb' }] }", "nodes[0].name"],
    ["a name of 256 characters", `{ nodes: [{ host: 'a', port: 1, name: '${"x".repeat(256)}' }] }`, "nodes[0].name"],
    ["a name that is every node's on the console", "{ nodes: [{ host: 'a', port: 1, name: '*' }] }", "nodes[0].name"],
    ["a name that is none on the console", "{ nodes: [{ host: 'a', port: 1, name: '-' }] }", "nodes[0].name"],
    ["a port in quotes with a zero before it", `{ ${NODES}, port: "08125" }`, "port"],
    ["a port of 70000 in quotes", `{ ${NODES}, port: "70000" }`, "port"],
    ["an address and a port for a host", `{ ${NODES}, host: "127.0.0.1:8125" }`, "host"],
    [
      "a node with an address and a port for a host",
      "{ nodes: [{ host: '127.0.0.1:8130', port: 8130 }] }",
      "nodes[0].host",
    ],
    ["an IPv6 address with a colon too many", `{ ${NODES}, managementhost: "::1:" }`, "managementhost"],
    ["a host of a name's letters without end", `{ ${NODES}, host: "${"a".repeat(254)}" }`, "host"],
    ["a host of an address's digits without end", `{ ${NODES}, host: "${"a:".repeat(1e6)}" }`, "host"],
    ["more nodes than there may be", `{ nodes: [${"{ host: 'a', port: 1 },".repeat(65536)}] }`, "nodes"],
    ["more types than there may be", `{ ${NODES}, types: [${"'c',".repeat(1001)}] }`, "types"],
    ["two nodes with one address", "{ nodes: [{ host: 'a', port: 1 }, { host: 'a', port: 1 }] }", "nodes[1]"],
    [
      "one address under two names",
      "{ nodes: [{ host: 'a', port: 1, name: 'x' }, { host: 'a', port: 1 }] }",
      "nodes[1]",
    ],
    [
      "two nodes with one name",
      "{ nodes: [{ host: 'a', port: 1, name: 'x' }, { host: 'b', port: 1, name: 'x' }] }",
      "nodes[1]",
    ],
    [
      "a name that is another's address",
      "{ nodes: [{ host: 'a', port: 1 }, { host: 'b', port: 1, name: 'a:1' }] }",
      "nodes[1]",
    ],
    ["a host that is a number", `{ ${NODES}, host: 5 }`, "host"],
    ["port 0", `{ ${NODES}, port: 0 }`, "port"],
    ["port 70000", `{ ${NODES}, port: 70000 }`, "port"],
    ["port 8125x", `{ ${NODES}, port: "8125x" }`, "port"],
    ["a negative port", `{ ${NODES}, port: -1 }`, "port"],
    ["a port that is null", `{ ${NODES}, port: null }`, "port"],
    ["an HTTP port of 70000", `{ ${NODES}, httpport: 70000 }`, "httpport"],
    ["a URL for the HTTP host", `{ ${NODES}, httphost: "http://a" }`, "httphost"],
    ["a console port of 70000", `{ ${NODES}, managementport: 70000 }`, "managementport"],
    ["an unknown ring", `{ ${NODES}, ring: "crc32" }`, "ring"],
    ["an unknown failover", `{ ${NODES}, failover: "drop" }`, "failover"],
    ["a flag in quotes", `{ ${NODES}, mirror: "yes" }`, "mirror"],
    ["no interval", `{ ${NODES}, checkInterval: 0 }`, "checkInterval"],
    ["a fall of 0", `{ ${NODES}, fall: 0 }`, "fall"],
    ["a rise of 0", `{ ${NODES}, rise: 0 }`, "rise"],
    ["a negative cache", `{ ${NODES}, cacheSize: -1 }`, "cacheSize"],
    ["no types", `{ ${NODES}, types: [] }`, "types"],
    ["a type that is empty", `{ ${NODES}, types: ["c", ""] }`, "types[1]"],
    ["a type that is too long", `{ ${NODES}, types: ["c", "count"] }`, "types[1]"],
    ["a type with a colon", `{ ${NODES}, types: ["c:"] }`, "types[0]"],
    ["a type that is not in a list", `{ ${NODES}, types: "c" }`, "types"],
    ["datagrams larger than UDP's", `{ ${NODES}, maxDatagramBytes: 65508 }`, "maxDatagramBytes"],
    ["too long a sleep", `{ ${NODES}, gather: 60000 }`, "gather"],
    ["metrics of its own, too often", `{ ${NODES}, selfMetrics: { interval: 1 } }`, "selfMetrics.interval"],
    ["metrics of its own in no object", `{ ${NODES}, selfMetrics: true }`, "selfMetrics"],
    ["a prefix with a colon", `{ ${NODES}, selfMetrics: { prefix: "a:b" } }`, "selfMetrics.prefix"],
    ["a prefix that ends in a dot", `{ ${NODES}, selfMetrics: { prefix: "a." } }`, "selfMetrics.prefix"],
    ["too small a buffer", `{ ${NODES}, receiveBuffer: 1 }`, "receiveBuffer"],
    ["a negative number of processes", `{ ${NODES}, forkCount: -1 }`, "forkCount"],
    ["half a process", `{ ${NODES}, forkCount: 1.5 }`, "forkCount"],
    ["processes in words", `{ ${NODES}, forkCount: "many" }`, "forkCount"],
    ["another server", `{ ${NODES}, server: "./servers/tcp" }`, "server"],
    ["an unknown UDP", `{ ${NODES}, udp_version: "udp5" }`, "udp_version"],
    ["a key of two names, with two values", `{ ${NODES}, mgmt_port: 8126, managementport: 8127 }`, "managementport"],
    ["a key in two cases, with two values", `{ ${NODES}, port: 8125, Port: 8126 }`, "Port"],
    [
      "a node's key of two names, with two values",
      "{ nodes: [{ host: 'a', port: 1, adminport: 2, managementport: 3 }] }",
      "nodes[0].managementport",
    ],
  ])("%s", (_, text, at) => {
    const { config, errors } = readConfig(text);
    expect(config).toBeUndefined();
    expect(errors.map((problem) => problem.at)).toEqual([at]);
    for (const { message } of errors) expect(message).not.toBe("");
  });

  test.each([
    ["{}", /missing/],
    ["{ nodes: [{ port: 8130 }] }", /missing/],
    ["{ nodes: [{ host: '127.0.0.1' }] }", /missing/],
    ["{ nodes: ['127.0.0.1:8130'] }", /not "127\.0\.0\.1:8130"/],
    [`{ ${NODES}, port: "8125x" }`, /not "8125x"/],
    [`{ ${NODES}, port: 70000 }`, /1 to 65535.*not 70000/],
    [`{ ${NODES}, port: Infinity }`, /not Infinity/],
    [`{ ${NODES}, port: NaN }`, /not NaN/],
    [`{ ${NODES}, ring: "crc32" }`, /farmhash, etsy, ketama.*not "crc32"/],
    ["{ nodes: [{ host: 'a', port: 1 }, { host: 'a', port: 1 }] }", /nodes\[0\]/],
    [`{ ${NODES}, mgmt_port: 8126, managementport: 8127 }`, /^managementport conflicts with mgmt_port; keep one$/],
    [`{ ${NODES}, port: "${"x".repeat(5000)}" }`, /^.{1,200}$/],
  ])("%s: the message says what is wrong in words of the file", (text, words) => {
    const { errors } = readConfig(text);
    expect(errors.map(({ message }) => message)).toEqual([expect.stringMatching(words)]);
    for (const { message } of errors) expect(message).not.toMatch(/Invalid|undefined|Object/);
  });

  const A = { host: "127.0.0.1", port: 8130 };
  /** By what is wrong: the file, and all that is said of it. */
  const WRONG: Record<string, [settings: object | string, ...problems: string[]]> = {
    "a file of spaces": [" \n\t\n", "the file is empty"],
    "half of JSON": [
      '{ "nodes": [ { "host": "127.0',
      'not JSON: line 1, column 30: expected a closing ", but the file ends here',
    ],
    "a list": ["[]", "expected an object, { nodes: [...] }"],
    "a number": ["8125", "expected an object, { nodes: [...] }"],
    "an empty list of nodes": [{ nodes: [] }, "nodes: expected a list of at least one node"],
    "nodes that are no list": [
      { nodes: A },
      'nodes: expected a list of at least one node, not {"host":"127.0.0.1","port":8130}',
    ],
    "a node that is no object": [
      { nodes: ["127.0.0.1:8130"] },
      'nodes[0]: expected an object, { host: ..., port: ... }, not "127.0.0.1:8130"',
    ],
    "a node without host": [{ nodes: [{ port: 8130 }] }, "nodes[0].host: required, but missing"],
    "a node without port": [{ nodes: [{ host: "127.0.0.1" }] }, "nodes[0].port: required, but missing"],
    "port 0": [{ nodes: [A], port: 0 }, "port: expected a port from 1 to 65535, not 0"],
    "port 70000": [{ nodes: [A], port: 70000 }, "port: expected a port from 1 to 65535, not 70000"],
    'port "8125x"': [{ nodes: [A], port: "8125x" }, 'port: expected a port from 1 to 65535, not "8125x"'],
    "port 8125.5": [{ nodes: [A], port: 8125.5 }, "port: expected a port from 1 to 65535, not 8125.5"],
    "a node's port 70000": [
      { nodes: [A, { ...A, port: 70000 }] },
      "nodes[1].port: expected a port from 1 to 65535, not 70000",
    ],
    "two nodes of one name": [
      {
        nodes: [
          { ...A, name: "a" },
          { ...A, name: "a", port: 8131 },
        ],
      },
      "nodes[1]: the same node as nodes[0] (a)",
    ],
    "a ring that there is not": [
      { nodes: [A], ring: "carp" },
      'ring: expected one of farmhash, etsy, ketama, not "carp"',
    ],
    "a node called as the console calls every one": [
      { nodes: [{ ...A, name: "*" }] },
      'nodes[0].name: expected 1 to 255 printable characters without spaces, and not * or -, not "*"',
    ],
    "a node's host of 15 MB": [
      { nodes: [{ ...A, host: "a:".repeat(7e6) }] },
      'nodes[0].host: expected a host name or an IP address, not "a:a:a:a:a:a:a:a:a:a:a:a:a:a:a:a:a:a:a:a:a:a:a:a:a:a:a:a:a:a...',
    ],
    "a failover that there is not": [
      { nodes: [A], failover: "no" },
      'failover: expected one of rehash, hold, not "no"',
    ],
    "a key twice": [
      '{ "nodes": [{ "host": "::1", "port": 1 }], "Port": 8125, "port": 8126 }',
      "port: port conflicts with Port; keep one",
    ],
    "mirror as a word": [{ nodes: [A], mirror: "yes" }, 'mirror: expected true or false, not "yes"'],
  };

  test.each(Object.keys(WRONG))("%s: is told in these words", (what) => {
    const [settings, ...problems] = WRONG[what];
    const { errors } = readConfig(typeof settings === "string" ? settings : JSON.stringify(settings));
    expect(errors.map(problemText)).toEqual(problems);
  });

  test("has all its errors told at once, beside the warnings", () => {
    const text = `{
      port: 0, ring: "x", mirror: 1, colour: "red", fall: 3, FALL: 4,
      nodes: [{ host: "", port: "a" }, 5, { host: "b", port: 1, weight: 1000, color: 1 }],
    }`;
    const { config, errors, warnings } = readConfig(text);
    expect(config).toBeUndefined();
    expect(errors.map(({ at }) => at).sort()).toEqual(
      ["FALL", "mirror", "nodes[0].host", "nodes[0].port", "nodes[1]", "nodes[2].weight", "port", "ring"].sort(),
    );
    expect(warnings.map(({ at }) => at).sort()).toEqual(["colour", "nodes[2].color"]);
  });

  test("is one that asks for IPv6 at an IPv4 address, unless that is any address", () => {
    const { errors } = readConfig(`{ ${NODES}, address_ipv6: true, host: "10.0.0.1" }`);
    expect(errors.map(({ at }) => at)).toEqual(["host"]);
    expect(readConfig(`{ ${NODES}, address_ipv6: true, host: "0.0.0.0" }`).config?.host).toBe("::");
  });

  test("is not one that says the same twice, for two relays to read", () => {
    const text =
      "{ nodes: [{ host: 'a', port: 1, adminport: 2, managementport: 2 }], mgmt_port: 9, managementport: 9 }";
    expect(readConfig(text)).toMatchObject({ errors: [], warnings: [], config: { managementport: 9 } });
  });

  test("with many equal nodes names the first of them for each", () => {
    const { errors } = readConfig(`{ nodes: [${"{ host: 'a', port: 1 },".repeat(4)}] }`);
    expect(errors).toEqual([1, 2, 3].map((i) => ({ at: `nodes[${i}]`, message: "the same node as nodes[0] (a:1)" })));
  });

  test("with equal nodes and another error has both told at once", () => {
    const { errors } = readConfig("{ port: 0, nodes: [{ host: 'a', port: 1 }, { host: 'a', port: 1 }] }");
    expect(errors.map(({ at }) => at).sort()).toEqual(["nodes[1]", "port"]);
  });
});

describe("an unknown key", () => {
  test.each([
    [`{ ${NODES}, checkIntervall: 5 }`, "checkIntervall", "checkInterval"],
    [`{ ${NODES}, nods: [] }`, "nods", "nodes"],
    [`{ ${NODES}, miror: true }`, "miror", "mirror"],
    [`{ ${NODES}, CacheSise: 5 }`, "CacheSise", "cacheSize"],
    [`{ ${NODES}, http_port: 9125 }`, "http_port", "httpport"],
    [`{ ${NODES}, mgmt_prt: 8126 }`, "mgmt_prt", "mgmt_port"],
    [`{ ${NODES}, mgmt_adress: "0.0.0.0" }`, "mgmt_adress", "mgmt_address"],
    ["{ nodes: [{ host: '127.0.0.1', port: 8130, wieght: 5 }] }", "nodes[0].wieght", "weight"],
    ["{ nodes: [{ host: '127.0.0.1', port: 8130, admin_port: 5 }] }", "nodes[0].admin_port", "adminport"],
  ])("%s is ignored, with a warning that names it and the nearest known one", (text, at, nearest) => {
    const { config, errors, warnings } = readConfig(text);
    expect(config).toEqual(DEFAULTS);
    expect(errors).toEqual([]);
    expect(warnings).toEqual([{ at, message: `unknown key (did you mean ${nearest}?)` }]);
  });

  test.each(["timeout", "chks", "x", "logging", "prt"])(
    "%s, which is like no other, is told without a guess",
    (key) => {
      expect(readConfig(`{ ${NODES}, ${key}: 5 }`).warnings).toEqual(
        key === "prt"
          ? [{ at: key, message: "unknown key (did you mean port?)" }]
          : [{ at: key, message: "unknown key" }],
      );
    },
  );

  test.each([
    [`{ ${NODES}, weight: 5 }`, "weight", "in nodes[]"],
    [`{ ${NODES}, Discover: true }`, "Discover", "in nodes[]"],
    [`{ ${NODES}, prefix: "a" }`, "prefix", "in selfMetrics"],
    ["{ nodes: [{ host: '127.0.0.1', port: 8130, fall: 5 }] }", "nodes[0].fall", "at the top of the file"],
    ["{ nodes: [{ host: '127.0.0.1', port: 8130, mgmt_port: 5 }] }", "nodes[0].mgmt_port", "at the top of the file"],
    [
      `{ ${NODES}, selfMetrics: { port: 1 } }`,
      "selfMetrics.port",
      "at the top of the file, or in nodes[], or in a node's check",
    ],
  ])("%s is told where the key belongs", (text, at, where) => {
    const message = `unknown key here: it belongs ${where}`;
    expect(readConfig(text).warnings).toEqual([{ at, message }]);
  });

  test("is an error for whoever allows no warnings, beside the others", () => {
    const warned = readConfig(`{ ${NODES}, timeout: 5 }`);
    const problem = { at: "timeout", message: "unknown key" };
    expect(strictly(warned)).toMatchObject({ errors: [problem], warnings: [] });
    expect(strictly(warned).config).toBeUndefined();
    const wrong = strictly(readConfig(`{ ${NODES}, timeout: 5, port: 0 }`));
    expect(wrong.errors.map(({ at }) => at)).toEqual(["port", "timeout"]);
    const good = readConfig(`{ ${NODES} }`);
    expect(strictly(good)).toBe(good);
  });

  test.each([
    ["log", /standard error/],
    ["automaticConfigReload", /--watch/],
  ])("%s, which Etsy's proxy reads, is told to have no effect", (key, reason) => {
    const { warnings } = readConfig(`{ ${NODES}, ${key}: false }`);
    expect(warnings).toEqual([{ at: key, message: expect.stringMatching(reason) }]);
    expect(warnings[0].message).not.toContain("did you mean");
  });

  test("of any length, in any number, is told as quickly", () => {
    const keys = Array.from({ length: 100_000 }, (_, i) => `${"k".repeat(50)}${i}: 0`);
    const { config, warnings } = readConfig(`{ ${NODES}, ${"x".repeat(1e6)}: 1, ${keys.join()} }`);
    expect(config).toEqual(DEFAULTS);
    expect(warnings).toHaveLength(100_001);
    for (const { message } of warnings) expect(message.length).toBeLessThan(100);
  });

  test("is compared with the known ones as long as there are no more than a hundred: more are no typing errors", () => {
    const keys = Array.from({ length: 150 }, (_, i) => `port${String.fromCharCode(97 + i / 26, 97 + (i % 26))}: 0`);
    const { warnings } = readConfig(`{ ${NODES}, ${keys.join()} }`);
    expect(warnings.map(({ message }) => message)).toEqual(
      keys.map((_, i) => (i < 100 ? "unknown key (did you mean port?)" : "unknown key")),
    );
  });

  test.each(["__proto__", "constructor", "toString", "hasOwnProperty", ""])("%j is one like any other", (key) => {
    const { config, warnings } = readConfig(`{ ${NODES}, ${JSON.stringify(key)}: { port: 1 } }`);
    expect(config).toEqual(DEFAULTS);
    expect(warnings).toHaveLength(1);
  });
});

describe("any file at all", () => {
  const known = [
    ...[
      "host",
      "port",
      "address_ipv6",
      "managementhost",
      "mgmt_port",
      "checkInterval",
      "fall",
      "rise",
      "mirror",
      "ring",
    ],
    ...[
      "failover",
      "cacheSize",
      "types",
      "maxDatagramBytes",
      "gather",
      "receiveBuffer",
      "reusePort",
      "server",
      "udp_version",
    ],
    ...["forkCount", "selfMetrics", "MIRROR", "colour", "\n"],
  ];
  const plausible = fc.oneof(
    fc.constantFrom<unknown>(
      "127.0.0.1",
      "::1",
      "*",
      "etsy",
      "hold",
      "udp6",
      true,
      false,
      0,
      1,
      2,
      1e3,
      65536,
      1e9,
      null,
    ),
    fc.constantFrom<unknown>(["c"], ["*"], [], [""], {}),
    fc.jsonValue(),
  );
  const node = fc.oneof(
    fc.record({ host: fc.ipV4(), port: fc.integer({ min: 1, max: 65535 }) }),
    fc.dictionary(fc.constantFrom("host", "port", "name", "weight", "adminport", "managementport", "\r\n"), plausible),
    plausible,
  );
  const file = fc
    .tuple(
      fc.option(fc.array(node, { maxLength: 4 }), { nil: undefined }),
      fc.dictionary(fc.constantFrom(...known), plausible),
    )
    .map(([nodes, rest]) => JSON.stringify(nodes === undefined ? rest : { nodes, ...rest }));

  test("is either a configuration or has errors, and every problem is one line of text", () => {
    fc.assert(
      fc.property(fc.oneof(file, fc.json(), fc.string(), fc.string({ unit: "binary" })), (text) => {
        const reading = readConfig(text);
        expect(reading.config === undefined).toBe(reading.errors.length > 0);
        for (const problem of problemsOf(reading)) expect(problemText(problem)).toMatch(/^[^\n\r]+$/);
        if (reading.config) expectUsable(reading.config);
      }),
      { numRuns: 1000 },
    );
  });
});

/** What the rest of the program relies on. */
function expectUsable(config: Config): void {
  const ports = [config.port, config.managementport, ...config.nodes.map(({ port }) => port)];
  for (const port of ports) expect(Number.isInteger(port) && port > 0 && port < 65536).toBe(true);
  for (const number of [config.checkInterval, config.fall, config.rise, ...config.nodes.map(({ weight }) => weight)])
    expect(Number.isInteger(number) && number > 0).toBe(true);
  for (const number of [config.cacheSize, config.maxDatagramBytes, config.gather ?? 0, config.receiveBuffer])
    expect(Number.isInteger(number) && number >= 0).toBe(true);
  expect(config.nodes.length).toBeGreaterThan(0);
  expect(new Set(config.nodes.map(({ label }) => label)).size).toBe(config.nodes.length);
  expect(config.types.length).toBeGreaterThan(0);
  for (const type of config.types) expect(type).toMatch(/^[!-~]{1,4}$/);
}

function problemsOf({ errors, warnings }: ConfigReading) {
  return [...errors, ...warnings];
}
