import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { readConfig } from "../../src/core/config.ts";
import { answer, type Desk, looksComplete } from "../../src/core/console.ts";
import { BENCH_LABELS, RelayBench } from "../support/relayBench.ts";

const COMMANDS = ["ping", "stats", "memstats", "config", "health", "status", "help", "quit"];

describe("a line is answered", () => {
  test.each([
    ["ping", "pong\n"],
    ["PING", "pong\n"],
    ["  ping \t", "pong\n"],
    ["ping\r", "pong\n"],
    ["health", "health: up\n"],
    ["status", `uptime: 51\nnodes: ${BENCH_LABELS.join(" ")}\n`],
  ])("%j: %j", (line, text) => {
    expect(answer(line, deskOf())).toEqual({ text });
  });

  test.each([
    ...["pingg", "pin", "ping pong", "stats all", "config x", "status x", "help me", "quit now", "memstats -v"],
    ...["health sideways", "health up down", "health upp", "GET / HTTP/1.1", "\x00", "ping\x00", "foo:1|c"],
    ...["__proto__", "constructor", "toString", "hasOwnProperty", "valueOf"],
  ])("%j: unknown command", (line) => {
    const desk = deskOf();
    expect(answer(line, desk)).toEqual({ text: "unknown command\n" });
    expect(desk.health).toBe("up");
  });

  test.each(["", " ", "\r", "\t \r"])("%j: not at all", (line) => {
    expect(answer(line, deskOf())).toBeUndefined();
  });

  test("quit: by the end of the connection", () => {
    expect(answer("quit", deskOf())).toEqual({ text: "", close: true });
    expect(answer("QUIT\r", deskOf())).toEqual({ text: "", close: true });
  });

  test("anything at all: with whole lines, and without an exception", () => {
    const words = fc.constantFrom(...COMMANDS, "up", "down", "x", " ", "\t");
    const line = fc.oneof(
      fc.string({ unit: "binary" }),
      fc.array(words, { maxLength: 4 }).map((some) => some.join(" ")),
    );
    fc.assert(
      fc.property(line, (line) => {
        const answered = answer(line, deskOf());
        if (answered === undefined) expect(line.trim()).toBe("");
        else expect(answered.close === true || answered.text.endsWith("\n")).toBe(true);
      }),
    );
  });
});

describe("health", () => {
  test("is what the operator set it to", () => {
    const desk = deskOf();
    const said = ["health", "health down", "health", "HEALTH Up", "health"].map((line) => answer(line, desk)?.text);
    expect(said).toEqual(["health: up\n", "health: down\n", "health: down\n", "health: up\n", "health: up\n"]);
  });
});

describe("stats", () => {
  test("begins with the two lines of go-statsd-proxy and goes on in their form", () => {
    const bench = new RelayBench({});
    bench.receive("a:1|c\nbad");
    const lines = linesOf("stats", deskOf(bench));
    expect(lines.slice(0, 2)).toEqual(["time running in seconds: 51", "packets_received: 1.000000"]);
    for (const line of lines.slice(1)) expect(line).toMatch(/^[^ ]+: \d+\.\d{6}$/);
    expect(lines).toContain("lines_received: 2.000000");
    expect(lines).toContain("lines_rejected.no_colon: 1.000000");
    expect(lines).toContain("node.127.0.0.1:8130.up: 1.000000");
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
    const lines = linesOf("memstats", deskOf());
    for (const line of lines) expect(goLabels).toContain(line.replace(/: \d+$/, ""));
    expect(lines).toContain("bytes allocated and in use: 1000");
    expect(lines).toContain("bytes obtained from system: 9000");
    expect(lines).toContain("bytes in idle spans: 500");
    expect(lines).toContain("total number of allocated objects: 42");
  });
});

describe("config", () => {
  test("is the configuration in force, defaults included, as JSON", () => {
    const desk = deskOf();
    expect(JSON.parse(answer("config", desk)?.text ?? "")).toEqual(desk.config);
    expect(desk.config.checkInterval).toBe(1000);
  });
});

describe("help", () => {
  test("names every command, and every one that it names is known", () => {
    const [first, ...rest] = linesOf("help", deskOf());
    expect(first).toBe(`Commands: ${COMMANDS.join(", ")}`);
    for (const command of COMMANDS) {
      expect(rest.some((line) => line.trim().startsWith(command))).toBe(true);
      expect(answer(command, deskOf())?.text).not.toBe("unknown command\n");
    }
  });
});

describe("status", () => {
  test("names the nodes that are in the ring, and no others", () => {
    const desk = deskOf();
    const nodes = desk.view().nodes.map((node, i) => ({ ...node, isUp: i !== 1 }));
    const view = { ...desk.view(), nodes };
    expect(answer("status", { ...desk, view: () => view })?.text).toBe(
      `uptime: 51\nnodes: ${BENCH_LABELS[0]} ${BENCH_LABELS[2]}\n`,
    );
  });
});

describe("text without a line end looks complete", () => {
  test.each([
    ...COMMANDS.map((command) => [command, true] as const),
    ["STATS", true],
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
        if (looksComplete(text)) expect(answer(text, deskOf())).toBeDefined();
      }),
    );
    for (const command of COMMANDS)
      for (let length = 1; length < command.length; length++)
        expect(looksComplete(command.slice(0, length))).toBe(false);
  });
});

function deskOf(bench = new RelayBench({})): Desk {
  const nodes = BENCH_LABELS.map((label) => ({ host: label.split(":")[0], port: Number(label.split(":")[1]) }));
  const { config } = readConfig(JSON.stringify({ nodes }));
  if (config === undefined) throw new Error("a good configuration was refused");
  return {
    config,
    view: () => bench.view(),
    memory: () => ({ heapUsedBytes: 1000, heapCapacityBytes: 1500, residentBytes: 9000, objects: 42 }),
    health: "up",
  };
}

function linesOf(command: string, desk: Desk): string[] {
  const text = answer(command, desk)?.text ?? "";
  expect(text.endsWith("\n")).toBe(true);
  return text.slice(0, -1).split("\n");
}
