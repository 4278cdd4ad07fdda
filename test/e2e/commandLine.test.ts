/** The command line of the compiled binary, started in an empty folder with no repository around it. */
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { copyFileSync, existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { version } from "../../package.json";
import { linesArrived, openBackends } from "../support/backend.ts";
import { binary } from "../support/binary.ts";
import { ask, send, stats } from "../support/client.ts";
import { emptyFolder } from "../support/folder.ts";
import { freePorts } from "../support/ports.ts";
import { configFile, run, startProxy } from "../support/process.ts";

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
    expect(stdout).toMatch(/^ {2}127\.0\.0\.1:8130 .* checked at port 8140 .* \d+\.\d % of the names$/m);
    expect(stdout).toMatch(/^ {2}127\.0\.0\.1:8131 .* not checked .* \d+\.\d % of the names$/m);
    // What it does not try, it says.
    expect(stdout).toEndWith("\nno port was opened: whether they are free shows when the proxy opens them\n");
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

test("an unknown option is named on standard error, exit code 1", async () => {
  const { exitCode, stdout, stderr } = await run([await binary(), "--chekc"], emptyFolder());
  expect(exitCode).toBe(1);
  expect(stdout).toBe("");
  expect(stderr).toContain("--chekc");
});

test.each([
  ["tpo", "unknown command tpo (did you mean top?)"],
  ["helthcheck", "unknown command helthcheck (did you mean healthcheck?)"],
  ["reload", "unknown command reload"],
  ["--against 8126", "--against needs --check"],
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

test("help is a command, too", async () => {
  const [help, option] = [await run([await binary(), "help"], "/"), await run([await binary(), "--help"], "/")];
  expect(help).toEqual(option);
  expect((await run([await binary(), "help", "top"], "/")).stdout).toContain("Usage: statsd-proxy top ");
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
      const { exitCode, stderr } = await run([await binary(), "-f", file], folder);
      expect(exitCode).toBe(1);
      expect(stderr).toMatch(new RegExp(`^nodes\\[0\\]: ${problem}: .* \\(E[A-Z]+\\)\n$`));
    }
  },
);

test("a second instance says in one line that the port is taken, exit code 1, and the first goes on", async () => {
  const [backend] = await openBackends(1);
  const first = await startProxy({ nodes: [backend.node] });
  const folder = emptyFolder();
  const [managementport] = await freePorts(1);
  const file = configFile(folder, { nodes: [backend.node], host: "127.0.0.1", port: first.port, managementport });
  const second = await run([await binary(), "-f", file], folder);
  expect(second.exitCode).toBe(1);
  expect(second.stdout).toBe("");
  expect(second.stderr).toMatch(/^port: the address is in use \(EADDRINUSE\)\n$/);
  await send(first, ["still:1|c"]);
  expect(await linesArrived([backend], 1)).toEqual(["still:1|c"]);
});
