/** `statsd-proxy route`: the compiled binary agrees with the proxy, for names from anywhere, however many. */
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { binary } from "../support/binary.ts";
import { emptyFolder } from "../support/folder.ts";
import { configFile, run } from "../support/process.ts";
import { ownersAmong } from "../support/ring.ts";

setDefaultTimeout(60_000);

const NODES = [8130, 8131, 8132].map((port) => ({ host: "127.0.0.1", port }));
const LABELS = NODES.map(({ port }) => `127.0.0.1:${port}`);

/** What a shell makes of `typed`, in a folder with a configuration and a file `names`. */
async function route(typed: (command: string) => string, settings: object = {}, names: Buffer | string = "") {
  const folder = emptyFolder();
  const file = configFile(folder, { nodes: NODES, ...settings });
  writeFileSync(join(folder, "names"), names);
  return await run(["bash", "-c", typed(`${await binary()} route -f ${file}`)], folder);
}

/** With the names as standard input. */
async function routeOf(names: Buffer | string, args = "", settings: object = {}) {
  return await route((command) => `${command} < names ${args}`, settings, names);
}

describe("statsd-proxy route", () => {
  test("says the owner of each name that it is given", async () => {
    const names = ["web.requests", "café", "page views", "-"];
    const typed = names.map((name) => `'${name}'`).join(" ");
    const { stdout, stderr, exitCode } = await route((command) => `${command} -- ${typed}`);
    const owner = ownersAmong(NODES);
    const bytes = (name: string) => Buffer.from(name).toString("latin1");
    expect(stdout).toBe(names.map((name) => `${name}\t${LABELS[owner(bytes(name))]}\n`).join(""));
    expect({ stderr, exitCode }).toEqual({ stderr: "", exitCode: 0 });
  });

  test("reads names from standard input: CRLF, empty lines, no end, JSON", async () => {
    const names = ["x", "y z", 'say "hi"'];
    const { stdout } = await routeOf(names.join("\r\n\r\n\n"), "--json");
    const owner = ownersAmong(NODES);
    const rows = stdout.trimEnd().split("\n");
    expect(rows.map((row) => JSON.parse(row))).toEqual(names.map((name) => ({ name, node: LABELS[owner(name)] })));
    expect((await routeOf("")).stdout).toBe("");
  });

  test.each(["farmhash", "etsy", "ketama"] as const)(
    "knows the ring %s, and what becomes of a node's names",
    async (ring) => {
      const names = Array.from({ length: 200 }, (_, i) => `name.${i}`);
      const { stdout } = await routeOf(names.join("\n"), `--down ${LABELS[0]} --down ${LABELS[2]}`, { ring });
      expect(stdout).toBe(names.map((name) => `${name}\t${LABELS[1]}\n`).join(""));
      const all = await routeOf(names.join("\n"), "", { ring });
      const owner = ownersAmong(NODES, undefined, ring);
      expect(all.stdout).toBe(names.map((name) => `${name}\t${LABELS[owner(name)]}\n`).join(""));
      const held = await routeOf(names.join("\n"), `--down ${LABELS[0]}`, { ring, failover: "hold" });
      expect(held.stdout).toBe(
        names.map((name) => `${name}\t${owner(name) === 0 ? "-" : LABELS[owner(name)]}\n`).join(""),
      );
    },
  );

  test("says of a mirror that every node gets it", async () => {
    expect((await route((command) => `${command} a`, { mirror: true })).stdout).toBe("a\t*\n");
  });

  test("200,000 names, and any bytes in them, through a pipe", async () => {
    const count = 200_000;
    const input = Buffer.from(Array.from({ length: count }, (_, i) => `web.caf\xe9.${i}`).join("\n"), "latin1");
    // Unchanged and in order, but for the line end behind the last.
    const unchanged = await routeOf(
      Buffer.concat([input, Buffer.from("\n")]),
      "| cut -f1 | cmp - names && echo the same",
    );
    expect(unchanged).toEqual({ exitCode: 0, stdout: "the same\n", stderr: "" });
    const shares = await routeOf(input, "| cut -f2 | sort | uniq -c");
    const rows = shares.stdout
      .trimEnd()
      .split("\n")
      .map((row) => row.trim().split(" "));
    expect(rows.map(([, label]) => label)).toEqual(LABELS);
    expect(rows.reduce((total, [lines]) => total + Number(lines), 0)).toBe(count);
  });

  test("a line of a megabyte is a name too", async () => {
    const name = "x".repeat(1_000_000);
    const { stdout } = await routeOf(`a\n${name}\nb`);
    expect(stdout.split("\n").map((row) => row.split("\t")[0])).toEqual(["a", name, "b", ""]);
  });

  test("ends quietly when nobody reads on", async () => {
    const endless = await route((command) => `yes web.requests | ${command} | head -n1`);
    expect(endless.stdout).toMatch(/^web\.requests\t127\.0\.0\.1:\d+\n$/);
    expect(endless.stderr).toBe("");
  });

  test("says what is wrong in a line each, exit code 1", async () => {
    const unknown = await route((command) => `${command} --down a --down b x`);
    expect(unknown).toEqual({
      exitCode: 1,
      stdout: "",
      stderr: "--down: there is no node a\n--down: there is no node b\n",
    });
    const bad = await route((command) => `${command} x`, { port: 0 });
    expect(bad).toMatchObject({ exitCode: 1, stdout: "" });
    expect(bad.stderr).toMatch(/^proxy\.json: port: .*\n$/);
    expect(await route((command) => `${command} --josn x`)).toMatchObject({ exitCode: 1, stdout: "" });
  });
});
