/** Configuration files that are wrong, or in the ways of those whom this proxy replaces, as the compiled binary takes them. */
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdirSync, readFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { fileURLToPath } from "bun";
import exampleConfig from "../../exampleConfig.json";
import { Backend, linesArrived } from "../support/backend.ts";
import { binary } from "../support/binary.ts";
import { ask, refusesConnections, send } from "../support/client.ts";
import { emptyFolder } from "../support/folder.ts";
import { freePort, freePorts } from "../support/ports.ts";
import {
  configFile,
  type Output,
  RunningProxy,
  run,
  startProblems,
  startProxy,
  startProxyWith,
} from "../support/process.ts";

setDefaultTimeout(30_000);

const ETSYS_EXAMPLE = readFileSync(fileURLToPath(import.meta.resolve("statsd/exampleProxyConfig.js")), "utf8");
const NODE = { host: "127.0.0.1", port: 8130 };

/** Starts the proxy with a file that must keep it from starting. */
async function refusal(settings: object | string): Promise<Output & { problems: string[] }> {
  const folder = emptyFolder();
  const file = configFile(folder, settings);
  const output = await run([await binary(), "-f", file, "--log", "json"], folder);
  return { ...output, problems: startProblems(output.stderr) };
}

/** By what is wrong: the file, and each line that says so, without the file's name. */
const WRONG: Record<string, [settings: object | string, ...problems: string[]]> = {
  "an empty file": ["", "the file is empty"],
  "not JSON": [
    "nodes = 127.0.0.1:8130",
    "not JSON: line 1, column 1: expected { at the beginning, not nodes = 127.0.0.1:8130; this looks like TOML or INI: write JSON5, { nodes: [ { host: ..., port: ... } ] }",
  ],
  "binary bytes": ["\0\x01\x02\x7f\xff", "this is a binary file, not a configuration"],
  "no nodes": ["{}", "nodes: required, but missing"],
  "two equal nodes": [
    { nodes: [NODE, { ...NODE, port: 8131 }, NODE] },
    "nodes[2]: the same node as nodes[0] (127.0.0.1:8130)",
  ],
  "JavaScript, as Etsy's proxy runs it": [
    '{\n  nodes: [{ host: "127.0.0.1", port: 8130 }],\n  port: process.env.PORT || 8125,\n}',
    'not JSON: line 3, column 9: expected a plain value, such as 8125 or "text", not process.env.PORT || 8125,; ' +
      "JavaScript is not run here: write the value itself",
  ],
  "a file of 50 MB": [
    { nodes: [NODE], types: ["c".repeat(50e6)] },
    "larger than 16 MiB, too large for a configuration",
  ],
  "a host of 15 MB": [
    { nodes: [NODE], host: "a".repeat(15e6) },
    'host: expected a host name or an IP address, not "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa...',
  ],
  "everything at once": [
    { nodes: [{ host: "not a host", port: -1 }], ring: "carp", checkInterval: "1s", port: 0 },
    "port: expected a port from 1 to 65535, not 0",
    'nodes[0].host: expected a host name or an IP address, not "not a host"',
    "nodes[0].port: expected a port from 1 to 65535, not -1",
    'checkInterval: expected a whole number of milliseconds from 10 to 86400000, not "1s"',
    'ring: expected one of farmhash, etsy, ketama, not "carp"',
  ],
};

test.each(Object.keys(WRONG))("%s: one line for each problem, with its path, exit code 1", async (what) => {
  const [settings, ...expected] = WRONG[what];
  const { exitCode, stdout, problems } = await refusal(settings);
  expect(exitCode).toBe(1);
  expect(stdout).toBe("");
  expect(problems).toHaveLength(expected.length);
  expect([...problems].sort()).toEqual(expected.map((problem) => `proxy.json: ${problem}`).sort());
  for (const line of problems) expect(line).toMatch(/^[\x20-\x7e]+$/);
});

test("a missing file: one line with its name, exit code 1", async () => {
  const { exitCode, stdout, stderr } = await run([await binary(), "-f", "nowhere.json"], emptyFolder());
  expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: "" });
  expect(stderr).toMatch(
    /^time=\S+ level=error event=start_failed file=nowhere\.json reason="no such file \(-f names another; --demo needs none\)"\n$/,
  );
});

test("a folder for a file: one line, exit code 1", async () => {
  const folder = emptyFolder();
  mkdirSync(join(folder, "proxy.json"));
  const { exitCode, stderr } = await run([await binary(), "--check", "-f", "proxy.json"], folder);
  expect(exitCode).toBe(1);
  expect(stderr).toBe("proxy.json: this is a directory, not a file\n");
});

test("a device without an end: one line, exit code 1", async () => {
  const { exitCode, stderr } = await run([await binary(), "--check", "-f", "/dev/zero"], emptyFolder());
  expect({ exitCode, stderr }).toEqual({
    exitCode: 1,
    stderr: "/dev/zero: larger than 16 MiB, too large for a configuration\n",
  });
});

test("more problems than anybody reads: the first hundred, and how many more", async () => {
  const nodes = Array.from({ length: 500 }, () => ({ host: "" }));
  const { exitCode, problems } = await refusal({ nodes });
  expect(exitCode).toBe(1);
  expect(problems).toHaveLength(101);
  expect(problems[0]).toMatch(/^proxy\.json: nodes\[0\]\.host: /);
  expect(problems[100]).toBe("proxy.json: 900 more problems");
});

describe("a configuration from a pipe", () => {
  test.each([
    ["standard input", "cat proxy.json | BINARY --check -f /dev/stdin"],
    ["standard input as -", "cat proxy.json | BINARY --check -f -"],
    ["standard input that is a file, as -", "BINARY --check -f - < proxy.json"],
    ["standard input, later", "(sleep 0.2; cat proxy.json) | BINARY --check -f /dev/stdin"],
    [
      "standard input, in pieces",
      "(head -c 10 proxy.json; sleep 0.2; tail -c +11 proxy.json) | BINARY --check -f /dev/stdin",
    ],
    ["standard input that is a file", "BINARY --check -f /dev/stdin < proxy.json"],
    ["a process", "BINARY --check -f <(cat proxy.json)"],
    ["a named one, written to later", "mkfifo p; (sleep 0.2; cat proxy.json > p) & BINARY --check -f p"],
    ["a named one, written to before", "mkfifo p; cat proxy.json > p & sleep 0.2; BINARY --check -f p"],
  ])("%s", async (_, command) => {
    const folder = emptyFolder();
    configFile(folder, { nodes: [NODE] });
    const { exitCode, stdout, stderr } = await run(["bash", "-c", command.replace("BINARY", await binary())], folder);
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
    expect(stdout).toContain("100.0% of the names");
  });

  test("that nobody writes to: a proxy that starts says what it waits for, and then starts", async () => {
    const [port, managementport] = await freePorts(2);
    const folder = emptyFolder();
    configFile(folder, { nodes: [NODE], host: "127.0.0.1", port, managementport });
    const command = ["bash", "-c", `mkfifo p && exec ${await binary()} -f p`];
    const proxy = new RunningProxy(command, folder, { port, managementport });
    expect(await proxy.line("event=configuration")).toEndWith(
      'file=p note="waiting for the configuration to be written to this pipe"',
    );
    await run(["bash", "-c", "cat proxy.json > p"], folder);
    await proxy.line("event=listening");
  });

  test("that closes without a byte is empty at once", async () => {
    const { exitCode, stderr } = await run(
      ["sh", "-c", `true | ${await binary()} --check -f /dev/stdin`],
      emptyFolder(),
    );
    expect({ exitCode, stderr }).toEqual({ exitCode: 1, stderr: "standard input: the file is empty\n" });
  });
});

describe("what shows only when sockets are opened", () => {
  test("a node's name that does not resolve is a warning: the proxy runs, and the node is down", async () => {
    const proxy = await startProxy({ nodes: [NODE, { host: "nowhere.invalid", port: 8131 }] });
    const down = 'level=warn event=node_down node=nowhere.invalid:8131 reason="the name does not resolve';
    expect(await proxy.line("event=node_down")).toContain(down);
    expect(await ask(proxy, "status")).toContain(`\nnodes: ${NODE.host}:${NODE.port}\n`);
  });

  test.each(["host", "managementhost", "httphost"])(
    "a %s that does not resolve: one line with its path",
    async (key) => {
      const [port, managementport, httpport] = await freePorts(3);
      const settings = { nodes: [NODE], host: "127.0.0.1", port, managementport, httpport, [key]: "nowhere.invalid" };
      const { exitCode, problems } = await refusal(settings);
      expect(exitCode).toBe(1);
      expect(problems).toEqual([expect.stringMatching(startOf(`proxy.json: ${key}: the name does not resolve`))]);
      expect(await refusesConnections(managementport)).toBe(true);
    },
  );

  test.each([
    ["127.0.0.1", "127.0.0.1", false],
    ["127.0.0.1", "localhost", true],
    ["0.0.0.0", "127.0.0.7", false],
    [undefined, "0.0.0.0", true],
  ])(
    "a node that is the proxy itself: one line with its path (listening at %s, sending to %s, mirror %p)",
    async (host, own, mirror) => {
      const [port, managementport] = await freePorts(2);
      const nodes = [NODE, { host: own, port }];
      const { exitCode, problems } = await refusal({ nodes, port, managementport, mirror, ...(host && { host }) });
      expect({ exitCode, problems }).toEqual({
        exitCode: 1,
        problems: ["proxy.json: nodes[1]: the proxy itself listens here: metrics would loop"],
      });
      expect(await refusesConnections(managementport)).toBe(true);
    },
  );

  test("a taken UDP port: one line with its path, exit code 1, and the console is not left open", async () => {
    const holder = await Backend.open();
    const managementport = await freePort();
    const settings = { nodes: [NODE], host: holder.host, port: holder.port, managementport };
    const { exitCode, problems } = await refusal(settings);
    expect(exitCode).toBe(1);
    expect(problems).toEqual([expect.stringMatching(/^proxy.json: port: [\d.]+:\d+ is in use .*EADDRINUSE/)]);
    expect(await refusesConnections(managementport)).toBe(true);
  });

  test("a taken TCP port: one line with its path, exit code 1", async () => {
    const [port, managementport] = await freePorts(2);
    const holder = createServer().listen({ host: "127.0.0.1", port: managementport });
    await new Promise((resolve) => holder.once("listening", resolve));
    const { exitCode, problems } = await refusal({ nodes: [NODE], host: "127.0.0.1", port, managementport });
    await new Promise((resolve) => holder.close(resolve));
    expect(exitCode).toBe(1);
    expect(problems).toEqual([expect.stringMatching(/^proxy.json: managementport: .*EADDRINUSE/)]);
  });

  test("an address that is not this machine's: one line with its path, exit code 1", async () => {
    const { exitCode, problems } = await refusal({ nodes: [NODE], host: "192.0.2.1", port: await freePort() });
    expect(exitCode).toBe(1);
    expect(problems).toEqual(["proxy.json: host: not an address of this machine (EADDRNOTAVAIL)"]);
  });

  test("all of it at once: all of it is said", async () => {
    const holder = await Backend.open();
    const nodes = [
      { host: "255.255.255.255", port: 8130 },
      { host: "255.255.255.255", port: 8131 },
    ];
    const settings = { nodes, host: holder.host, port: holder.port, managementport: await freePort() };
    const { exitCode, problems } = await refusal(settings);
    expect(exitCode).toBe(1);
    expect(problems.map((line) => line.split(": ")[1]).sort()).toEqual(["nodes[0]", "nodes[1]", "port"]);
  });
});

describe("files that work", () => {
  test("an unknown key only warns, with the nearest known one", async () => {
    const backend = await Backend.open();
    const proxy = await startProxy({
      nodes: [{ ...backend.node, adminprot: 1 } as typeof backend.node],
      checkIntervall: 10,
    });
    const warnings = proxy.lines.filter((line) => line.includes("warning"));
    expect(warnings).toEqual([
      expect.stringMatching(
        / level=warn event=configuration file=proxy\.json warning="checkIntervall: unknown key \(did you mean checkInterval\?\)"$/,
      ),
      expect.stringMatching(/ warning="nodes\[0\]\.adminprot: unknown key \(did you mean adminport\?\)"$/),
    ]);
    await send(proxy, ["works:1|c"]);
    expect(await linesArrived([backend], 1)).toEqual(["works:1|c"]);
  });

  test("keys in any case, comments, single quotes and trailing commas", async () => {
    const backend = await Backend.open();
    const [port, managementport] = await freePorts(2);
    const folder = emptyFolder();
    const file = configFile(
      folder,
      `// as people write them
      {
        NODES: [ { Host: '127.0.0.1', PORT: ${backend.port}, /* no checks */ AdminPort: 0, }, ],
        'Host': "127.0.0.1", Port: ${port}, mgmt_port: ${managementport},
      }`,
    );
    const proxy = await startProxyWith(file, { port, managementport }, { folder });
    await send(proxy, ["works:1|c"]);
    expect(await linesArrived([backend], 1)).toEqual(["works:1|c"]);
    expect(JSON.parse(await ask(proxy, "config"))).toMatchObject({ port, managementport, checkInterval: 1000 });
  });

  test.each([
    ["the example of this repository", JSON.stringify(exampleConfig), "ring farmhash, failover rehash"],
    ["the example of Etsy's proxy", ETSYS_EXAMPLE, "ring etsy, failover rehash"],
  ])("%s passes --check without a warning", async (_, text, ring) => {
    const folder = emptyFolder();
    const file = configFile(folder, text);
    const { exitCode, stdout, stderr } = await run([await binary(), "-f", file, "--check"], folder);
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
    expect(stdout.match(/check statsd at port \d+/g)).toHaveLength(3);
    expect(stdout.split("\n")).toContain(ring);
    const told = "ring etsy, because the file uses Etsy's keys; set ring to override it";
    expect(stdout.split("\n").includes(told)).toBe(text === ETSYS_EXAMPLE);
  });

  test("what is made of a file of Etsy's is said in the log, as information", async () => {
    const backend = await Backend.open();
    const proxy = await startProxy({ nodes: [backend.node], server: "./servers/udp", forkCount: "auto" });
    const said = proxy.lines.filter((line) => line.includes("event=configuration"));
    expect(said).toEqual([
      expect.stringMatching(
        / level=info .*note="ring etsy, because the file uses Etsy's keys; set ring to override it"$/,
      ),
      expect.stringMatching(/ level=info .*note="forkCount auto has no effect here: one process does all the work"$/),
    ]);
    expect(await proxy.line("event=listening")).toContain(" ring=etsy");
    expect(proxy.lines.filter((line) => line.includes("warning"))).toEqual([]);
  });

  test("9,000 nodes are checked, and none of them twice", async () => {
    const nodes = Array.from({ length: 9000 }, (_, i) => ({ host: `10.0.${i >> 8}.${i & 255}`, port: 8130 }));
    const folder = emptyFolder();
    const { exitCode, stdout, stderr } = await run(
      [await binary(), "--check", "-f", configFile(folder, { nodes, ring: "etsy" })],
      folder,
    );
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
    expect(stdout.match(/of the names/g)).toHaveLength(9000);
    nodes[8999] = nodes[2345];
    const { problems } = await refusal({ nodes });
    expect(problems).toEqual(["proxy.json: nodes[8999]: the same node as nodes[2345] (10.0.9.41:8130)"]);
  });
});

function startOf(text: string): RegExp {
  return new RegExp(`^${text.replace(/[[\](){}.*+?^$|\\]/g, "\\$&")}`);
}
