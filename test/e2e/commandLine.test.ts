/** The command line of the compiled binary, started in an empty folder with no repository around it. */
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { copyFileSync, existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { version } from "../../package.json";
import { linesArrived, openBackends } from "../support/backend.ts";
import { binary } from "../support/binary.ts";
import { ask, send, stats } from "../support/client.ts";
import { emptyFolder } from "../support/folder.ts";
import { ManagementPort } from "../support/management.ts";
import { freePorts } from "../support/ports.ts";
import { configFile, run, startProblems, startProxy } from "../support/process.ts";

setDefaultTimeout(30_000);

const NODES = [
  { host: "127.0.0.1", port: 8130, managementport: 8140 },
  { host: "127.0.0.1", port: 8131 },
];

describe("--check", () => {
  test("prints what a good file would do, exit code 0, and leaves nothing behind", async () => {
    const folder = emptyFolder();
    const file = configFile(folder, { nodes: NODES });
    const { exitCode, stdout, stderr } = await run([await binary(), "-f", file, "--check"], folder);
    expect(stderr).toBe("");
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/^metrics at 0\.0\.0\.0:8125 \(UDP\), console at 127\.0\.0\.1:8126 \(TCP\)\n/);
    expect(stdout).toContain("ring farmhash, failover rehash\n");
    expect(stdout).toMatch(/^ {2}127\.0\.0\.1:8130 .* check statsd at port 8140 .* \d+\.\d% of the names$/m);
    expect(stdout).toMatch(/^ {2}127\.0\.0\.1:8131 .* no check .* \d+\.\d% of the names$/m);
    // What it does not try, it says.
    expect(stdout).toEndWith("\nits ports were not opened: whether they are free shows when the proxy opens them\n");
    expect(readdirSync(folder)).toEqual([file]);
  });

  test("says of a mirror that every node gets everything", async () => {
    const folder = emptyFolder();
    const file = configFile(folder, { nodes: NODES, mirror: true });
    const { exitCode, stdout } = await run([await binary(), "-f", file, "--check"], folder);
    expect(exitCode).toBe(0);
    expect(stdout).toContain("mirror: every metric to every node\n");
    expect(stdout.match(/every metric$/gm)).toHaveLength(2);
  });

  test.each([
    ["", "with 127.0.0.1:8131 down: PART of the names move:"],
    [
      "hold",
      "with 127.0.0.1:8131 down: PART of the names are held, and their lines dropped; drained, their names move:",
    ],
  ])("--down tells where the names go, as `route --down` says name by name (failover %p)", async (failover, said) => {
    const folder = emptyFolder();
    const nodes = [...NODES, { host: "127.0.0.1", port: 8132 }];
    const file = configFile(folder, { nodes, ...(failover && { failover }) });
    const { exitCode, stdout, stderr } = await run(
      [await binary(), "-f", file, "--check", "--down", "127.0.0.1:8131"],
      folder,
    );
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
    const part = /^ {2}127\.0\.0\.1:8131 +(\d+\.\d%) +-$/m.exec(stdout)?.[1];
    expect(stdout).toContain(`\n${said.replace("PART", `${part}`)}\n`);
    configFile(folder, { nodes });
    const typed = `seq 20000 | ${await binary()} route -f ${file} --down 127.0.0.1:8131`;
    const routed = await run(["sh", "-c", typed], folder);
    for (const { port } of [nodes[0], nodes[2]]) {
      const then = new RegExp(`^  127\\.0\\.0\\.1:${port} +[0-9.]+% +([0-9.]+)% +\\+[0-9.]+%$`, "m").exec(stdout)?.[1];
      const got = routed.stdout.split(`:${port}\n`).length - 1;
      expect(Math.abs(Number(then) - got / 200)).toBeLessThan(2);
    }
  });

  test("--down of a mirror, of all nodes, and of nodes that are not there", async () => {
    const folder = emptyFolder();
    const check = async (down: string, settings = {}) => {
      const file = configFile(folder, { nodes: NODES, ...settings });
      return run(["sh", "-c", `${await binary()} -f ${file} --check ${down}`], folder);
    };
    const [a, b] = ["--down 127.0.0.1:8130", "--down 127.0.0.1:8131"];
    expect((await check(a, { mirror: true })).stdout).toContain(
      "with 127.0.0.1:8130 down: every metric still goes to the other node\n",
    );
    expect((await check(`${a} ${b}`)).stdout).toContain(
      "with 127.0.0.1:8130 and 127.0.0.1:8131 down: no node is left, and every line is dropped\n",
    );
    expect(await check("--down 127.0.0.1:8132 --down x")).toEqual({
      exitCode: 1,
      stdout: "",
      stderr: "--down: there is no node 127.0.0.1:8132 (did you mean 127.0.0.1:8130?)\n--down: there is no node x\n",
    });
  });

  test("tells every problem of a wrong file, exit code 1", async () => {
    const folder = emptyFolder();
    const file = configFile(folder, { nodes: [{ host: "127.0.0.1" }], port: 0 });
    const { exitCode, stdout, stderr } = await run([await binary(), "-f", file, "--check"], folder);
    expect(exitCode).toBe(1);
    expect(stdout).toBe("");
    expect(stderr.trimEnd().split("\n")).toHaveLength(2);
    expect(stderr).toContain(`${file}: port: `);
    expect(stderr).toContain(`${file}: nodes[0].port: `);
  });

  test.skipIf(!existsSync("/dev/full"))(
    "ends quietly when nobody reads on, and says in a line what else went wrong",
    async () => {
      const folder = emptyFolder();
      const file = configFile(folder, { nodes: NODES });
      const typed = `${await binary()} -f ${file} --check`;
      const unread = await run(["sh", "-c", `(sleep 0.2; ${typed}; echo $? >&2) | true`], folder);
      expect(unread.stderr).toBe("0\n");
      const full = await run(["sh", "-c", `${typed} > /dev/full`], folder);
      expect(full).toMatchObject({ exitCode: 1, stderr: expect.stringMatching(/^ENOSPC: .*\n$/) });
    },
  );
});

describe("--check finds what keeps a proxy from starting", () => {
  const OWN = "the proxy itself listens here: metrics would loop";
  /** By what is wrong: the settings, and what is said. */
  const WRONG: Record<string, [object, ...problems: string[]]> = {
    "its own address": [{ nodes: [...NODES, { host: "127.0.0.1", port: 8125 }] }, `nodes[2]: ${OWN}`],
    "its own address behind a name": [{ nodes: [{ host: "localhost", port: 8125 }] }, `nodes[0]: ${OWN}`],
    "its own address behind a name that is discovered": [
      { nodes: [{ host: "localhost", port: 8125, discover: true }] },
      `nodes[0]: ${OWN}`,
    ],
    "its own address, by its own": [
      { host: "localhost", nodes: [{ host: "127.0.0.1", port: 8125 }] },
      `nodes[0]: ${OWN}`,
    ],
    "any address": [{ host: "::", nodes: [{ host: "127.0.0.3", port: 8125 }] }, `nodes[0]: ${OWN}`],
    "hosts that are not this machine's": [
      { nodes: NODES, host: "198.51.100.1", managementhost: "198.51.100.2", httphost: "198.51.100.3", httpport: 9125 },
      "host: not an address of this machine (EADDRNOTAVAIL)",
      "managementhost: not an address of this machine (EADDRNOTAVAIL)",
      "httphost: not an address of this machine (EADDRNOTAVAIL)",
    ],
    "a node that cannot be connected to": [
      { nodes: [...NODES, { host: "255.255.255.255", port: 8132 }] },
      "nodes[2]: permission denied: it is a broadcast address, or a route of this machine prohibits it (EACCES)",
    ],
    "console and HTTP at one port": [
      { nodes: NODES, httphost: "0.0.0.0", httpport: 8126 },
      "httpport: the proxy's own console has this port (127.0.0.1:8126): give HTTP another",
    ],
    "console and HTTP at one port behind a name": [
      { nodes: NODES, managementhost: "localhost", httpport: 8126 },
      "httpport: the proxy's own console has this port (localhost:8126): give HTTP another",
    ],
  };

  test.each(Object.keys(WRONG))("%s: a line with the file and the path, exit code 1, as at a start", async (what) => {
    const [settings, ...problems] = WRONG[what];
    const folder = emptyFolder();
    const file = configFile(folder, settings);
    const stderr = problems.map((problem) => `${file}: ${problem}\n`).join("");
    const checked = await run([await binary(), "-f", file, "--check"], folder);
    expect(checked).toEqual({ exitCode: 1, stdout: "", stderr });
    const started = await run([await binary(), "-f", file, "--log", "json"], folder);
    expect(started.exitCode).toBe(1);
    expect(startProblems(started.stderr).sort()).toEqual(problems.map((problem) => `${file}: ${problem}`).sort());
  });

  test("--live: nodes that do not answer their check, exit code 1, after the plan", async () => {
    const management = new ManagementPort();
    const [closed] = await freePorts(1);
    const checked = { ...NODES[1], managementport: management.port };
    const folder = emptyFolder();
    const file = configFile(folder, { nodes: [checked, { host: "127.0.0.1", port: 8132 }] });
    const good = await run([await binary(), "-f", file, "--check", "--live"], folder);
    expect(good).toMatchObject({ exitCode: 0, stderr: "" });
    expect(good.stdout).toMatch(
      /\neach check was made once\n {2}127\.0\.0\.1:8131 {2}passed in \d+ ms\n {2}127\.0\.0\.1:8132 {2}no check: not asked\n$/,
    );
    configFile(folder, { nodes: [checked, { host: "127.0.0.1", port: 8132, managementport: closed }] });
    const bad = await run([await binary(), "-f", file, "--check", "--live"], folder);
    expect(bad).toMatchObject({ exitCode: 1, stderr: "" });
    expect(bad.stdout).toStartWith("metrics at 0.0.0.0:8125 (UDP), ");
    expect(bad.stdout).toEndWith(`\n  127.0.0.1:8132  failed: nobody listens at 127.0.0.1:${closed}\n`);
  });

  test("--live: a node that is a proxy which relays back, by its console", async () => {
    const [port, managementport] = await freePorts(2);
    const other = await startProxy({ nodes: [{ ...NODES[1] }, { host: "localhost", port }] });
    const folder = emptyFolder();
    const node = { host: "127.0.0.1", port: other.port, managementport: other.consolePort };
    const file = configFile(folder, { nodes: [node], port, managementport });
    const looping = await run([await binary(), "-f", file, "--check", "--live"], folder);
    expect(looping).toMatchObject({ exitCode: 1, stderr: "" });
    expect(looping.stdout).toMatch(
      new RegExp(`  passed in \\d+ ms, but it relays to this proxy \\(its nodes\\[1\\], localhost:${port}\\)\n$`),
    );
    const elsewhere = configFile(folder, { nodes: [node], port: managementport, managementport });
    expect(await run([await binary(), "-f", elsewhere, "--check", "--live"], folder)).toMatchObject({ exitCode: 0 });
  });

  test("names that do not resolve are warnings, and errors with --strict; so is a key that is not known", async () => {
    const folder = emptyFolder();
    const nodes = [{ host: "nowhere.invalid", port: 8130, discover: true }, NODES[1]];
    const file = configFile(folder, { nodes, weight: 3 });
    const key = "weight: unknown key here: it belongs in nodes[]";
    const name = /nodes\[0\]\.host: the name does not resolve \(\w+\)/;
    const plain = await run([await binary(), "-f", file, "--check"], folder);
    expect(plain.exitCode).toBe(0);
    expect(plain.stderr.trimEnd().split("\n")).toEqual([
      `${file}: warning: ${key}`,
      expect.stringMatching(new RegExp(`^${file}: warning: ${name.source}$`)),
    ]);
    const strict = await run([await binary(), "-f", file, "--check", "--strict"], folder);
    expect(strict).toEqual({ exitCode: 1, stdout: "", stderr: `${file}: ${key}\n` });
    const renamed = configFile(folder, { nodes });
    const unresolved = await run([await binary(), "-f", renamed, "--check", "--strict"], folder);
    expect(unresolved).toMatchObject({ exitCode: 1, stdout: "" });
    expect(unresolved.stderr).toMatch(new RegExp(`^${file}: ${name.source}\n$`));
  });
});

test("with --strict a warning about the file keeps a proxy from starting, and from reloading", async () => {
  const [backend] = await openBackends(1);
  const proxy = await startProxy({ nodes: [backend.node] }, { args: ["--strict"] });
  const file = configFile(proxy.cwd, { nodes: [backend.node], timeout: 5 });
  expect(await ask(proxy, "reload")).toBe(
    `not reloaded: the configuration is as it was\n${file}: timeout: unknown key\n`,
  );
  const started = await run([await binary(), "-f", file, "--strict", "--log", "json"], proxy.cwd);
  expect(started.exitCode).toBe(1);
  expect(startProblems(started.stderr)).toEqual([`${file}: timeout: unknown key`]);
});

test("--version prints the version, exit code 0", async () => {
  const { exitCode, stdout, stderr } = await run([await binary(), "--version"], emptyFolder());
  expect({ exitCode, stdout, stderr }).toEqual({ exitCode: 0, stdout: `${version}\n`, stderr: "" });
});

test("--help names every option and command, exit code 0", async () => {
  const { exitCode, stdout } = await run([await binary(), "--help"], emptyFolder());
  expect(exitCode).toBe(0);
  for (const option of [
    ...["-f, --file", "-d, --debug", "--log <", "--log-level", "--check", "--demo", "--version", "--help"],
    ...["route [options] [name...]", "top [options] [address]"],
  ]) {
    expect(stdout).toContain(option);
  }
});

test.each([
  ["tpo", "unknown command tpo (did you mean top?)"],
  ["helthcheck", "unknown command helthcheck (did you mean healthcheck?)"],
  ["reload", "unknown command reload"],
  ["rout --json", "unknown command rout (did you mean route?)"],
  ["rout -f x.json", "unknown command rout (did you mean route?)"],
  ["help nope", "unknown command nope"],
  ["help rout", "unknown command rout (did you mean route?)"],
  ["help watch", "unknown command watch (did you mean --watch?)"],
  ["--chekc", "unknown option --chekc (did you mean --check?)"],
  ["--chekc=1 route", "unknown option --chekc (did you mean --check?)"],
  ["--version=1", "option --version takes no value"],
  ["--check=", "option --check takes no value"],
  ["--help=route", "option --help takes no value"],
  ["--nothing-like-it", "unknown option --nothing-like-it"],
  ["route --foo", "unknown option --foo"],
  ["route --jsno a", "unknown option --jsno (did you mean --json?)"],
  ["top --plain=1", "option --plain takes no value"],
  ["-d=1", "=1: a short option takes no ="],
  ["-f=x.json", "option '-f, --file <file>' argument '=x.json' is invalid. A short option takes no =."],
  ["--check healthcheck", "option --check does not go with healthcheck"],
  ["--strict route -- -h", "option --strict does not go with route"],
  ["-f x.json --log json top", "option --log does not go with top"],
  ["healthcheck 1 2", "too many arguments for 'healthcheck'. Expected 1 argument but got 2: 1, 2."],
  ["help top route", "too many arguments for 'help'. Expected 1 argument but got 2: top, route."],
  ...["1.5", "0", "1e9", "-1", "x"].map((count) => [
    `top -n ${count}`,
    `option '-n, --count <frames>' argument '${count}' is invalid. Expected a whole number from 1 to 86400.`,
  ]),
  ...["0", "86401", "x"].map((seconds) => [
    `top -i ${seconds}`,
    `option '-i, --interval <seconds>' argument '${seconds}' is invalid. Expected a number above 0, at most 86400.`,
  ]),
  ["--against 8126", "--against needs --check"],
  ["--live", "--live needs --check"],
  ["--down a", "--down needs --check"],
  ["--check --down a --against 1", "option '--down <node>' cannot be used with option '--against <address>'"],
  ["--check --live --against 1", "option '--live' cannot be used with option '--against <address>'"],
  ["--check --watch", "option '--check' cannot be used with option '--watch'"],
  ["--demo --watch", "--watch needs a file: name it with -f"],
])("%s is a mistake that is told, exit code 1", async (typed, mistake) => {
  const { exitCode, stdout, stderr } = await run([await binary(), ...typed.split(" ")], emptyFolder());
  expect({ exitCode, stdout, stderr }).toEqual({
    exitCode: 1,
    stdout: "",
    stderr: `error: ${mistake}\n(see --help)\n`,
  });
});

test("route does not read the configuration and names from one standard input", async () => {
  expect(await run([await binary(), "route", "-f", "-"], emptyFolder())).toEqual({
    exitCode: 1,
    stdout: "",
    stderr: "error: the configuration takes standard input: give the names as arguments\n(see --help)\n",
  });
});

test("help is a command, too", async () => {
  const [help, option] = [await run([await binary(), "help"], "/"), await run([await binary(), "--help"], "/")];
  expect(help).toEqual(option);
  expect((await run([await binary(), "help", "top"], "/")).stdout).toContain("Usage: statsd-proxy top ");
  // After whatever went wrong.
  expect((await run([await binary(), "-d", "help"], "/")).stdout).toBe(help.stdout);
  expect((await run([await binary(), "--check", "top", "--help"], "/")).stdout).toContain("Usage: statsd-proxy top ");
});

test.each(["--help", "help", "help route", "route --help"])("%s ends quietly when nobody reads it", async (typed) => {
  const { stderr } = await run(
    ["sh", "-c", `(sleep 0.2; ${await binary()} ${typed}; echo $? >&2) | true`],
    emptyFolder(),
  );
  expect(stderr).toBe("0\n");
});

test("the binary by itself, copied to an empty folder, relays", async () => {
  const folder = emptyFolder();
  const alone = join(folder, "statsd-proxy");
  copyFileSync(await binary(), alone);
  const [backend] = await openBackends(1);
  const proxy = await startProxy({ nodes: [backend.node] }, { folder, executable: alone });
  await send(proxy, ["alone:1|c"]);
  expect(await linesArrived([backend], 1)).toEqual(["alone:1|c"]);
});

test("--demo shows sample metrics arriving at backends of its own, and ends on a signal", async () => {
  const ports = await freePorts(4);
  const nodes = [0, 2].map((i) => ({ host: "127.0.0.1", port: ports[i], managementport: ports[i + 1] }));
  const proxy = await startProxy({ nodes }, { args: ["--demo"] });
  await proxy.line("got  web.requests:1|c");
  expect(await proxy.line("nc -u -w1")).toContain(`127.0.0.1 ${proxy.port} `);
  expect(await stats(proxy)).toMatchObject({ nodes_up: 2, lines_rejected: 0 });
  proxy.signal("SIGTERM");
  expect(await proxy.exited).toBe(0);
});

test("what lies in the working directory changes nothing", async () => {
  const folder = emptyFolder();
  const trace = join(folder, "it-ran");
  const hostile = `require("node:fs").writeFileSync(${JSON.stringify(trace)}, ""); process.exit(66);`;
  mkdirSync(join(folder, "node_modules", "farmhash"), { recursive: true });
  writeFileSync(join(folder, "node_modules", "farmhash", "index.js"), hostile);
  writeFileSync(join(folder, "hostile.js"), hostile);
  writeFileSync(join(folder, "bunfig.toml"), 'preload = ["./hostile.js"]\n[run]\nbun = true\n');
  writeFileSync(
    join(folder, ".env"),
    "TMPDIR=/nowhere\nBUN_TMPDIR=/nowhere\nNODE_OPTIONS=--require ./hostile.js\nTZ=X\n",
  );
  writeFileSync(join(folder, "package.json"), '{ "type": "commonjs", "imports": { "#x": "./hostile.js" }, "name": 7');
  writeFileSync(join(folder, "tsconfig.json"), '{ "compilerOptions": { "paths": { "*": ["./hostile.js"] } } }');
  const [backend] = await openBackends(1);
  const proxy = await startProxy({ nodes: [backend.node] }, { folder });
  await send(proxy, ["unmoved:1|c"]);
  expect(await linesArrived([backend], 1)).toEqual(["unmoved:1|c"]);
  expect(await ask(proxy, "ping")).toBe("pong\n");
  expect(existsSync(trace)).toBe(false);
});

test.skipIf(process.platform !== "linux")(
  "an address that nothing is sent to is named with the reason, exit code 1",
  async () => {
    const [managementport, port] = await freePorts(2);
    const problems = { "255.255.255.255": "permission denied", "fe80::1": "not a usable address" };
    for (const [host, problem] of Object.entries(problems)) {
      const folder = emptyFolder();
      const file = configFile(folder, { nodes: [{ host, port: 8130 }], host: "127.0.0.1", port, managementport });
      const { exitCode, stderr } = await run([await binary(), "-f", file, "--log", "json"], folder);
      expect(exitCode).toBe(1);
      expect(startProblems(stderr)).toEqual([
        expect.stringMatching(new RegExp(`^proxy\\.json: nodes\\[0\\]: ${problem}: .* \\(E[A-Z]+\\)$`)),
      ]);
    }
  },
);

test("a second instance says in one line that the port is taken, exit code 1, and the first goes on", async () => {
  const [backend] = await openBackends(1);
  const first = await startProxy({ nodes: [backend.node] });
  const folder = emptyFolder();
  const [managementport] = await freePorts(1);
  const file = configFile(folder, { nodes: [backend.node], host: "127.0.0.1", port: first.port, managementport });
  const second = await run([await binary(), "-f", file, "--log", "json"], folder);
  expect(second.exitCode).toBe(1);
  expect(second.stdout).toBe("");
  expect(startProblems(second.stderr)).toEqual([
    expect.stringMatching(/^proxy\.json: port: [\d.]+:\d+ is in use \(EADDRINUSE\)$/),
  ]);
  await send(first, ["still:1|c"]);
  expect(await linesArrived([backend], 1)).toEqual(["still:1|c"]);
});
