import { describe, expect, setDefaultTimeout, test } from "bun:test";
import fc from "fast-check";
import { version } from "../../package.json";
import { type Config, readConfig } from "../../src/config/config.ts";
import { answer, type ConsoleContext, looksComplete } from "../../src/console/commands.ts";
import type { NamesRequest } from "../../src/console/nameCount.ts";
import type { TapRequest } from "../../src/console/tap.ts";
import { nodeStatsOf } from "../../src/observe/readings.ts";
import { NOTHING_RECENT } from "../../src/observe/recent.ts";
import { type NodeJson, statusJsonParts } from "../../src/observe/statusJson.ts";
import type { View } from "../../src/observe/view.ts";
import type { Destination } from "../../src/placement/destination.ts";
import { escapeBytes } from "../../src/text/escape.ts";
import { counted } from "../../src/text/quantities.ts";
import { BENCH_LABELS, RelayBench } from "../support/relayBench.ts";
import { statsOf } from "../support/stats.ts";
import { statsSourceOf } from "../support/statsSource.ts";
import { QUIET_VIEW } from "../support/viewParts.ts";

setDefaultTimeout(30_000);

const COMMANDS = [
  ...[
    "ping",
    "stats",
    "memstats",
    "config",
    "reload",
    "nodes",
    "node",
    "route",
    "tap",
    "names",
    "health",
    "status",
    "version",
    "help",
    "quit",
  ],
];
/** Those that say something by themselves. */
const ALONE = COMMANDS.filter((command) => command !== "route" && command !== "node" && command !== "names");

const DELAY = "delay: p50 0.12 ms, p99 10.4 ms in the last minute";
const OK = "ok: all 3 nodes up, nothing lost since the start";

describe("a line is answered", () => {
  test.each([
    ["ping", "pong\n"],
    ["PING", "pong\n"],
    ["  ping \t", "pong\n"],
    ["ping\r", "pong\n"],
    ["health", "health: up\n"],
    ["status", `uptime: 51\nnodes: ${BENCH_LABELS.join(" ")}\nverdict: ${OK}\n${DELAY}\n`],
  ])("%j: %j", (line, text) => {
    expect(answer(line, consoleContextOf())).toEqual({ text });
  });

  test.each([
    ...["GET / HTTP/1.1", "\x00", "foo:1|c", "x", "p", "nothing of the kind"],
    ...["__proto__", "constructor", "toString", "hasOwnProperty", "valueOf"],
  ])("%j: unknown command", (line) => {
    expect(answer(line, consoleContextOf())).toEqual({ text: "unknown command\n" });
  });

  test.each([
    ["pingg", "ping"],
    ["pin", "ping"],
    ["relaod", "reload"],
    ["STAT json", "stats"],
    ["helth down", "health"],
    ["ping\x00", "ping"],
  ])("%j: unknown command, and what may have been meant: %s", (line, meant) => {
    const context = consoleContextOf();
    expect(answer(line, context)).toEqual({ text: `unknown command (did you mean ${meant}?)\n` });
    expect(context.health).toBe("up");
  });

  test.each([
    ["ping pong", "ping"],
    ["stats all", "stats [json]"],
    ["config xml", "config [json]"],
    ["status json x", "status [json]"],
    ["reload now", "reload"],
    ["nodes up", "nodes [json]"],
    ["help me now", "help [COMMAND]"],
    ["quit now", "quit"],
    ["memstats -v", "memstats"],
    ["health sideways", "health [up|down]"],
    ["health up down", "health [up|down]"],
    ["HEALTH upp", "health [up|down]"],
  ])("%j: how the command is used", (line, usage) => {
    const context = consoleContextOf();
    expect(answer(line, context)).toEqual({ text: `usage: ${usage}\n` });
    expect(context.health).toBe("up");
  });

  test.each(["", " ", "\r", "\t \r"])("%j: not at all", (line) => {
    expect(answer(line, consoleContextOf())).toBeUndefined();
  });

  test.each([
    [
      "help tap",
      "tap [rejected] [PATTERN] [LIMIT]  show lines as they pass, with their node; or rejected lines, with the reason\n",
    ],
    ["help PING", "ping  answer pong\n"],
    ["help nope", "unknown command (did you mean node?)\n"],
    ["help xyzzy", "unknown command\n"],
    ["help relaod", "unknown command (did you mean reload?)\n"],
  ])("%j: what that command does", (line, text) => {
    expect(answer(line, consoleContextOf())).toEqual({ text });
  });

  // One of the two has a cut within a pair of units.
  test.each([
    ["config", ""],
    ["config", "x"],
    ["config json", ""],
    ["config json", "x"],
  ])("%s: no character is in two pieces (names begin with %j)", (line, first) => {
    const name = first + "\u{1f980}".repeat(120);
    const nodes = Array.from({ length: 200 }, (_, i) => ({ host: "a", port: i + 1, name: `${name}${i}` }));
    const { config } = readConfig(JSON.stringify({ nodes }));
    const { text = "", rest } = answer(line, { ...consoleContextOf(), config: config as Config }) ?? {};
    const pieces = [text, ...(rest ? { [Symbol.iterator]: () => rest } : [])];
    expect(pieces.length).toBeGreaterThan(2);
    const bytes = Buffer.concat(pieces.map((piece) => Buffer.from(piece)));
    expect(readConfig(bytes.toString()).config).toEqual(config as Config);
  });

  test("quit: by the end of the connection", () => {
    expect(answer("quit", consoleContextOf())).toEqual({ text: "", close: true });
    expect(answer("QUIT\r", consoleContextOf())).toEqual({ text: "", close: true });
  });

  test("anything at all: with whole lines, and without an exception", () => {
    const words = fc.constantFrom(...COMMANDS, "up", "down", "json", "rejected", '"', "x", "5", " ", "\t");
    const line = fc.oneof(
      fc.string({ unit: "binary" }),
      fc.array(words, { maxLength: 4 }).map((some) => some.join(" ")),
    );
    fc.assert(
      fc.property(line, (line) => {
        const answered = answer(line, consoleContextOf());
        if (answered === undefined) expect(line.trim()).toBe("");
        else expect(answered.close === true || answered.text.endsWith("\n")).toBe(true);
      }),
    );
  });
});

describe("health", () => {
  test("is what the operator set it to", () => {
    const context = consoleContextOf();
    const said = ["health", "health down", "health", "HEALTH Up", "health"].map((line) => answer(line, context)?.text);
    expect(said).toEqual(["health: up\n", "health: down\n", "health: down\n", "health: up\n", "health: up\n"]);
  });
});

describe("stats", () => {
  test("begins with the two lines of go-statsd-proxy and goes on in their form", () => {
    const bench = new RelayBench({});
    bench.receive("a:1|c\nbad");
    const lines = linesOf("stats", consoleContextOf(bench));
    expect(lines.slice(0, 2)).toEqual(["time running in seconds: 51", "packets_received: 1.000000"]);
    for (const line of lines.slice(1)) expect(line).toMatch(/^[^ ]+: \d+\.\d{6}$/);
    expect(lines).toContain("lines_received: 2.000000");
    expect(lines).toContain("lines_rejected.no_colon: 1.000000");
    expect(lines).toContain("node.127.0.0.1:8130.up: 1.000000");
  });
});

describe("stats json", () => {
  test("is one JSON object in one line, of the same figures", () => {
    const bench = new RelayBench({});
    bench.receive("a:1|c\nbad");
    const context = consoleContextOf(bench);
    const [line, ...rest] = linesOf("stats json", context);
    expect(rest).toEqual([]);
    const { uptime_seconds, ...figures } = JSON.parse(line);
    expect(uptime_seconds).toBe(51.9);
    expect(Object.entries(figures)).toEqual(statsOf(context.view()));
    expect(answer("STATS JSON", context)).toEqual({ text: `${line}\n` });
  });
});

describe("status json", () => {
  test("is what HTTP gives at /stats.json, in one line; without HTTP there are no rates", () => {
    const bench = new RelayBench({});
    bench.receive("a:1|c\nbad");
    const context = consoleContextOf(bench);
    const [line, ...rest] = linesOf("status json", context);
    expect(rest).toEqual([]);
    expect(line).toBe([...statusJsonParts(context.source())].join(""));
    expect(JSON.parse(line)).toMatchObject({
      uptime_seconds: 51,
      health: "up",
      figures: { lines_received: 2, "lines_rejected.no_colon": 1 },
      nodes: BENCH_LABELS.map((node) => ({ node, up: true, rate: null, figures: { lines_relayed: 0 } })),
    });
    expect(answer("STATUS Json", context)?.text).toBe(`${line}\n`);
  });
});

test("version is the version", () => {
  expect(answer("version", consoleContextOf())).toEqual({ text: `${version}\n` });
});

describe("nodes", () => {
  test("is a table, a row each", () => {
    const bench = new RelayBench({});
    bench.nodes[0].counters.linesRelayed = 12345;
    bench.nodes[2].counters.linesDropped.held = 3;
    bench.nodes[2].counters.linesDropped.send_error = 4;
    bench.nodes[1].counters.checksPassed = 5;
    bench.nodes[1].counters.checksFailed = 6;
    bench.nodes[1].counters.checksSkipped = 7;
    bench.nodes[0].counters.linesRefused = 8;
    bench.nodes[0].counters.sendErrors = 9;
    const context = consoleContextOf(bench);
    const lastCheck = { atMs: 0, durationMs: 1, failure: "answered 503" };
    const nodes = context.view().nodes.map((node, i) => ({
      ...node,
      isUp: i !== 2,
      health: {
        ...node.health,
        ...{ state: i === 2 ? ("set down" as const) : ("up" as const) },
        ...(i === 1 && { lastCheck }),
      },
    }));
    expect(linesOf("nodes", { ...context, view: () => ({ ...context.view(), nodes }) })).toEqual([
      "node            state     since      share  rate  relayed  dropped  pending  refused  errors  failed  last_check",
      "127.0.0.1:8130  up        00:00:00Z  33.1%     -    12345        0        0        8       9       0  up",
      "127.0.0.1:8131  up        00:00:00Z  33.6%     -        0        0        0        0       0       6  answered 503",
      "127.0.0.1:8132  set down  00:00:00Z  33.2%     -        0        7        0        0       0       0  up",
    ]);
  });
});

test("of nodes with names the table has the addresses too, and of one that flaps that it does", () => {
  const context = consoleContextOf();
  const [first, ...others] = context.view().nodes;
  const changes = { state_changes: { amount: 12, sinceMs: 0, lastMs: 0 } };
  const recent = { ...NOTHING_RECENT, nodes: new Map([[first.counters, changes]]) };
  const view = { ...context.view(), nodes: [{ ...first, label: "a" }, ...others], recent, nowMs: 90_000_000 };
  const asked = { ...context, view: () => view };
  expect(linesOf("nodes", asked).map((line) => line.split(/ +/).slice(0, 4))).toEqual([
    ["node", "address", "state", "since"],
    ["a", "127.0.0.1:8130", "up,flapping", "1970-01-01"],
    ["127.0.0.1:8131", "127.0.0.1:8131", "up", "1970-01-01"],
    ["127.0.0.1:8132", "127.0.0.1:8132", "up", "1970-01-01"],
  ]);
  expect(linesOf("node a", asked)[0]).toBe("a: up, flapping");
  const told = JSON.parse(linesOf("nodes json", asked).join("")) as NodeJson[];
  expect(told.map(({ flapping }) => flapping !== null)).toEqual([true, false, false]);
});

test("nodes json has the nodes as the status has them", () => {
  const context = consoleContextOf();
  const nodes = JSON.parse(linesOf("nodes json", context).join(""));
  expect(nodes).toEqual(JSON.parse(linesOf("status json", context).join("")).nodes);
  expect(nodes).toHaveLength(3);
  expect(linesOf("nodes xml", context)).toEqual(["usage: nodes [json]"]);
});

describe("route", () => {
  test("names the owner now and when all are up, a row for each name", () => {
    const owners = [
      { now: BENCH_LABELS[0], allUp: BENCH_LABELS[0] },
      { now: BENCH_LABELS[1], allUp: BENCH_LABELS[2] },
      { now: "-", allUp: BENCH_LABELS[0] },
      { now: "*", allUp: "*" },
    ];
    const context = { ...consoleContextOf(), destinationOf: () => routed(owners.shift()) };
    expect(linesOf('route web.requests b "page views" d', context)).toEqual([
      "name          owner           owner_when_all_up",
      "web.requests  127.0.0.1:8130  127.0.0.1:8130",
      "b             127.0.0.1:8131  127.0.0.1:8132",
      "page views    -               127.0.0.1:8130",
      "d             *               *",
    ]);
  });

  test("passes the bytes of a name on as they are, quoted or, if it can be, not", () => {
    const names = fc.uint8Array({ minLength: 1, maxLength: 20 }).map((bytes) => Buffer.from(bytes));
    const bare = names.filter((name) => !/[\t-\r ]|^"/.test(name.toString("latin1")));
    fc.assert(
      fc.property(names, bare, (name, other) => {
        const asked: Buffer[] = [];
        const destinationOf = (asking: Buffer) => {
          asked.push(asking);
          return routed({ now: BENCH_LABELS[0], allUp: BENCH_LABELS[0] });
        };
        const quoted = `"${escapeBytes(name).replaceAll('"', '\\"')}"`;
        answer(`route ${quoted}  ${other.toString("latin1")}`, { ...consoleContextOf(), destinationOf });
        expect(asked).toEqual([name, other]);
      }),
    );
  });

  test("of a line that is no metric says why", () => {
    const context: ConsoleContext = {
      ...consoleContextOf(),
      destinationOf: () => ({ kind: "rejected", reason: "unknown_type" }),
    };
    expect(linesOf("route web.requests:1|xyz", context)).toEqual([
      "name                owner  owner_when_all_up",
      "web.requests:1|xyz  -      -                  rejected: unknown_type",
    ]);
  });

  test("without a name, or with a quote left open, is explained", () => {
    expect(answer("route", consoleContextOf())).toEqual({ text: "usage: route NAME...\n" });
    expect(answer('route "a', consoleContextOf())).toEqual({ text: "a quote is not closed\n" });
  });
});

describe("tap", () => {
  const all = { rejected: false, pattern: undefined, linesMax: 100 };

  test.each<[string, TapRequest]>([
    ["tap", all],
    ["tap 7", { ...all, linesMax: 7 }],
    ["tap web.*", { ...all, pattern: "web.*" }],
    ["tap Web 7", { ...all, pattern: "Web", linesMax: 7 }],
    ["tap caf\xc3\xa0 7", { ...all, pattern: "caf\xc3\xa0", linesMax: 7 }],
    ['tap "page views"', { ...all, pattern: "page views" }],
    ["tap 7 8", { ...all, pattern: "7", linesMax: 8 }],
    ["tap rejected", { ...all, rejected: true }],
    ["TAP REJECTED 10000", { ...all, rejected: true, linesMax: 10_000 }],
    ["tap rejected web 7", { rejected: true, pattern: "web", linesMax: 7 }],
  ])("%j asks for %j", (line, expected) => {
    const asked: TapRequest[] = [];
    const stream = { isTap: true, begin: () => {}, stop: () => "" };
    const tap = (request: TapRequest) => {
      asked.push(request);
      return stream;
    };
    const text = `# up to ${counted(expected.linesMax, "line")} in 60 s; an empty line stops it\n`;
    expect(answer(line, { ...consoleContextOf(), tap })).toEqual({ text, stream });
    expect(asked).toEqual([expected]);
  });

  test.each(["tap a b", "tap a 7 8", "tap 0", "tap 10001", "tap rejected a b", "tap -1 x", `tap ${"x".repeat(256)}`])(
    "%j is explained",
    (line) => {
      expect(answer(line, consoleContextOf())).toEqual({ text: "usage: tap [rejected] [PATTERN] [LIMIT]\n" });
    },
  );

  test("is refused while there are as many as there may be", () => {
    expect(answer("tap", consoleContextOf())).toEqual({ text: "too many taps at once\n" });
  });
});

describe("names", () => {
  const [label] = BENCH_LABELS;
  const all = { label, pattern: undefined, limit: 100 };

  test.each<[string, NamesRequest]>([
    [`names ${label}`, all],
    [`names ${label} 7`, { ...all, limit: 7 }],
    [`names "${label}" web.*`, { ...all, pattern: "web.*" }],
    [`names ${label} 10.0`, { ...all, pattern: "10.0" }],
    [`names ${label} -1 7`, { ...all, pattern: "-1", limit: 7 }],
    [`NAMES ${label} web 1000`, { ...all, pattern: "web", limit: 1000 }],
  ])("%j asks for %j", (line, expected) => {
    const asked: NamesRequest[] = [];
    const stream = { isTap: true, begin: () => {}, stop: () => "" };
    const names = (request: NamesRequest) => {
      asked.push(request);
      return stream;
    };
    const text = "# counting for 10 s; an empty line stops it\n";
    expect(answer(line, { ...consoleContextOf(), names })).toEqual({ text, stream });
    expect(asked).toEqual([expected]);
  });

  test("of a node that is down says so", () => {
    const { nodes, ...rest } = consoleContextOf().view();
    const down = { ...nodes[0], isUp: false, health: { ...nodes[0].health, state: "drained" as const } };
    const context = { ...consoleContextOf(), view: () => ({ ...rest, nodes: [down] }) };
    const names = () => ({ isTap: true, begin: () => {}, stop: () => "" });
    expect(answer(`names ${label}`, { ...context, names })?.text).toBe(
      `# ${label} is drained: it gets no lines\n# counting for 10 s; an empty line stops it\n`,
    );
  });

  test.each([
    "names",
    `names ${label} a b`,
    `names ${label} a 7 8`,
    `names ${label} 0`,
    `names ${label} 1001`,
    // These are limits that somebody mistyped, and no patterns.
    `names ${label} -1`,
    `names ${label} web -1`,
    `names ${label} 1e9`,
    `names ${label} 12345678901`,
    `names ${label} ${"x".repeat(256)}`,
  ])("%j is explained", (line) => {
    expect(answer(line, consoleContextOf())).toEqual({ text: "usage: names NODE [PATTERN] [LIMIT]\n" });
  });

  test("of a node that there is not is answered so, with the one that was meant", () => {
    expect(answer("names 127.0.0.1:8139", consoleContextOf())?.text).toMatch(/^there is no node 127\.0\.0\.1:8139/);
  });

  test("is refused while there are as many taps as there may be", () => {
    expect(answer(`names ${label}`, consoleContextOf())).toEqual({ text: "too many taps at once\n" });
  });
});

describe("memstats", () => {
  test("has go-statsd-proxy's labels, and only figures that this runtime has", () => {
    const goLabels = [
      ...["bytes allocated and in use", "bytes allocated total", "bytes obtained from system"],
      ...["number of pointer lookups", "number of mallocs", "number of frees", "bytes allocated and still in use"],
      ...[
        "bytes in idle spans",
        "bytes in non-idle span",
        "bytes released to the OS",
        "total number of allocated objects",
      ],
    ];
    const lines = linesOf("memstats", consoleContextOf());
    for (const line of lines) expect(goLabels).toContain(line.replace(/: \d+$/, ""));
    expect(lines).toContain("bytes allocated and in use: 1000");
    expect(lines).toContain("bytes obtained from system: 9000");
    expect(lines).toContain("bytes in idle spans: 500");
    expect(lines).toContain("total number of allocated objects: 42");
  });
});

describe("config", () => {
  test("is the configuration in force, defaults included, as JSON", () => {
    const context = consoleContextOf();
    const told = JSON.parse(answer("config", context)?.text ?? "");
    const nodes = context.config.nodes.map(({ label, ...node }) => node);
    expect(told).toEqual({ ...context.config, nodes });
    expect(context.config.checkInterval).toBe(1000);
  });

  test("can be read back, without a warning: in many lines, or in one", () => {
    const context = consoleContextOf();
    for (const command of ["config", "config json"]) {
      const { config, warnings } = readConfig(linesOf(command, context).join("\n"));
      expect({ config, warnings }).toEqual({ config: context.config, warnings: [] });
    }
    expect(linesOf("config json", context)).toHaveLength(1);
  });
});

describe("reload", () => {
  test("says that there is nothing to read, where there is no file", () => {
    expect(linesOf("reload", consoleContextOf())).toEqual([
      "there is no configuration file to read: the proxy runs on its built-in example",
    ]);
  });

  test("answers when it is done", async () => {
    const reply = answer("reload", { ...consoleContextOf(), reload: async () => "reloaded: nothing changes\n" });
    const last = await new Promise<string>((resolve) => reply?.stream?.begin(() => true, resolve));
    expect([reply?.text, last]).toEqual(["", "reloaded: nothing changes\n"]);
  });

  test("says nothing to a client that is gone", async () => {
    const reply = answer("reload", { ...consoleContextOf(), reload: async () => "reloaded\n" });
    const said: string[] = [];
    reply?.stream?.begin(
      () => true,
      (text) => void said.push(text),
    );
    expect(reply?.stream?.stop()).toBe("");
    await Promise.resolve();
    await Promise.resolve();
    expect(said).toEqual([]);
  });
});

describe("help", () => {
  test("names every command, and every one that it names is known", () => {
    const [first, ...rest] = linesOf("help", consoleContextOf());
    expect(first).toBe(`Commands: ${COMMANDS.join(", ")}`);
    for (const command of COMMANDS) {
      expect(rest.some((line) => line.trim().startsWith(command))).toBe(true);
      expect(answer(command, consoleContextOf())?.text).not.toBe("unknown command\n");
    }
  });
});

describe("node", () => {
  const context = consoleContextOf();
  const [a] = BENCH_LABELS;

  test.each([
    ["node 127.0.0.1:8139", "there is no node 127.0.0.1:8139 (did you mean 127.0.0.1:8130?)"],
    ["node nobody up", "there is no node nobody"],
    ["node", "usage: node NAME [up|drain|down]"],
    [`node ${a} dwon`, "usage: node NAME [up|drain|down]"],
    [`node ${a} up please`, "usage: node NAME [up|drain|down]"],
  ])("%p: %p", (command, text) => {
    expect(linesOf(command, context)).toEqual([text]);
  });

  test("says which check failed, and how, as long as the node is down", () => {
    const [node, ...others] = context.view().nodes;
    const health = { ...node.health, isWell: false, state: "down" as const, lastFailure: "no answer in 1 s" };
    const nodes = [{ ...node, isUp: false, health }, ...others];
    const down = { ...context, view: () => ({ ...context.view(), nodes }) };
    expect(linesOf(`node ${a}`, down).slice(0, 7)).toEqual([
      `${a}: down (check statsd at port 8140: no answer in 1 s)`,
      `  address: ${a}`,
      "  weight: 1",
      "  since: 1970-01-01T00:00:00Z",
      "  check: statsd at port 8140",
      "  last check: up, at 1970-01-01T00:00:00Z",
      "  share: 33.1%",
    ]);
    // And all that is counted for it.
    expect(linesOf(`node ${a}`, down).map((line) => line.split(":")[0].trim())).toEqual(
      expect.arrayContaining(nodeStatsOf(node).map(([name]) => name)),
    );
  });

  test("passes an operator's word on, and tells what came of it", () => {
    const asked: unknown[] = [];
    const setNode: ConsoleContext["setNode"] = (label, word) => {
      asked.push([label, word]);
      return {
        ...{ word, was: "up", isWell: true, failure: undefined },
        ...{ movedPart: 0.25, share: 0.25, holds: false, upCount: 2 },
      };
    };
    expect(linesOf(`node ${a} DRAIN`, { ...context, setNode })).toEqual([
      `${a} drains: 25.0% of the names moved to 2 nodes`,
    ]);
    expect(asked).toEqual([[a, "drain"]]);
    expect(linesOf(`node ${a} down please`, { ...context, setNode })).toEqual(["usage: node NAME [up|drain|down]"]);
    expect(asked).toHaveLength(1);
  });
});

describe("status", () => {
  test("names the nodes that are in the ring, and no others", () => {
    const context = consoleContextOf();
    const nodes = context.view().nodes.map((node, i) => ({ ...node, isUp: i !== 1 }));
    const view = { ...context.view(), nodes };
    expect(answer("status", { ...context, view: () => view })?.text).toBe(
      `uptime: 51\nnodes: ${BENCH_LABELS[0]} ${BENCH_LABELS[2]}\n` +
        `verdict: warning: 1 of 3 nodes down since 00:00:00 UTC: ${BENCH_LABELS[1]}: start it, or see why its check fails\n${DELAY}\n`,
    );
  });

  test("says how long lines take, that none came, or that it is not measured", () => {
    const { delay, ...rest } = consoleContextOf().view();
    const of = (delay: View["delay"]) =>
      answer("status", { ...consoleContextOf(), view: () => ({ ...rest, delay }) })?.text.match(/^delay: .*$/m)?.[0];
    expect(of(delay)).toBe(DELAY);
    expect(of({ ...QUIET_VIEW.delay, p50Seconds: undefined, p99Seconds: undefined })).toBe(
      "delay: none measured in the last minute",
    );
    expect(of(undefined)).toBe("delay: not measured (needs Linux)");
  });

  test("says why the last reload failed, for as long as an older configuration is in force", () => {
    const context = consoleContextOf();
    const lastFailure = { atSeconds: 1, cause: "signal", reasons: ["fall: bad", "rise: bad"] };
    const { configuration, ...rest } = context.view();
    const view = { ...rest, configuration: { ...configuration, isLatest: false, lastFailure } };
    expect(answer("status", { ...context, view: () => view })?.text).toBe(
      `uptime: 51\nnodes: ${BENCH_LABELS.join(" ")}\nverdict: warning: the reload at 00:00:01 UTC failed, ` +
        `an older configuration is in force: fall: bad\n${DELAY}\nconfiguration: last reload failed: fall: bad\n`,
    );
  });
});

describe("text without a line end looks complete", () => {
  test.each([
    ...ALONE.map((command) => [command, true] as const),
    ["STATS", true],
    ["stats json", true],
    ["stats js", false],
    ["stats xml", true],
    ["status json", true],
    ["status js", false],
    ["health d", false],
    ["health x", true],
    ["tap web.*", true],
    ["tap rejected 5", true],
    ["route", false],
    ["route ", false],
    ["route web.requests", true],
    ['route "page', false],
    ['route "page views', false],
    ['route "page views"', true],
    ["route caf\xc3", false],
    ["route caf\xc3\xa9", true],
    ["route \xe2\x82", false],
    ["route \xe2\x82\xac", true],
    [" ping ", true],
    ["ping\r", true],
    ["health down", true],
    ["what", true],
    ["statsx", true],
    ["foo bar", true],
    ["__proto__", true],
    ["", false],
    [" ", false],
    ["p", false],
    ["Pin", false],
    ["stat", false],
    ["he", false],
  ])("%j: %p", (text, complete) => {
    expect(looksComplete(text)).toBe(complete);
  });

  test("only if it has an answer, and never while it is the beginning of one command", () => {
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: "binary" }), fc.constantFrom(...COMMANDS)), (text) => {
        if (looksComplete(text)) expect(answer(text, consoleContextOf())).toBeDefined();
      }),
    );
    for (const command of COMMANDS)
      for (let length = 1; length < command.length; length++)
        expect(looksComplete(command.slice(0, length))).toBe(false);
  });
});

function routed(owners: { now: string; allUp: string } | undefined): Destination {
  const { now, allUp } = owners ?? { now: "-", allUp: "-" };
  return { kind: "routed", nameStart: 0, nameEnd: 1, position: 0.5, now, allUp };
}

function consoleContextOf(bench = new RelayBench({})): ConsoleContext {
  const nodes = BENCH_LABELS.map((label) => ({ host: label.split(":")[0], port: Number(label.split(":")[1]) }));
  const { config } = readConfig(JSON.stringify({ nodes }));
  if (config === undefined) throw new Error("a good configuration was refused");
  return {
    config,
    view: () => bench.view(),
    reload: undefined,
    setNode: () => undefined,
    source: () => statsSourceOf(bench.view()),
    memory: () => ({ heapUsedBytes: 1000, heapCapacityBytes: 1500, residentBytes: 9000, objects: 42 }),
    destinationOf: () => routed({ now: "-", allUp: "-" }),
    tap: () => undefined,
    names: () => undefined,
    health: "up",
  };
}

function linesOf(command: string, context: ConsoleContext): string[] {
  const text = answer(command, context)?.text ?? "";
  expect(text.endsWith("\n")).toBe(true);
  return text.slice(0, -1).split("\n");
}
