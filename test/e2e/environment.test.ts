/** What may lie around the binary where it is started, and what its environment may say. */
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { version } from "../../package.json";
import { linesArrived, openBackends } from "../support/backend.ts";
import { binary } from "../support/binary.ts";
import { send } from "../support/client.ts";
import { emptyFolder } from "../support/folder.ts";
import { freePorts } from "../support/ports.ts";
import { configFile, RunningProxy, run } from "../support/process.ts";

setDefaultTimeout(30_000);

/** A script that leaves a trace when it runs; and whether it ran. */
function hostile(folder: string): { script: string; ran: () => boolean } {
  const trace = join(folder, "it-ran");
  const script = join(folder, "hostile.js");
  writeFileSync(script, `require("node:fs").writeFileSync(${JSON.stringify(trace)}, "");`);
  return { script, ran: () => existsSync(trace) };
}

test("settings of Bun in the home folder, and of environments in the working one, change nothing", async () => {
  const folder = emptyFolder();
  const { script, ran } = hostile(folder);
  const home = join(folder, "home");
  mkdirSync(home);
  for (const place of [home, folder]) {
    for (const name of [".bunfig.toml", "bunfig.toml"]) writeFileSync(join(place, name), `preload = ["${script}"]\n`);
    for (const name of [".env", ".env.local", ".env.production", ".env.development"]) {
      writeFileSync(join(place, name), `BUN_OPTIONS=--preload=${script}\nBUN_BE_BUN=1\nTMPDIR=/nowhere\n`);
    }
  }
  const file = configFile(folder, { nodes: [{ host: "127.0.0.1", port: 8130 }] });
  const command = ["env", `HOME=${home}`, `XDG_CONFIG_HOME=${home}`, await binary(), "--check", "-f", file];
  const { exitCode, stdout, stderr } = await run(command, folder);
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
  expect(stdout).toContain("100.0% of the names");
  expect(ran()).toBe(false);
});

test("an addon in the working folder is not loaded", async () => {
  const folder = emptyFolder();
  writeFileSync(join(folder, "farmhash.node"), "no addon");
  const file = configFile(folder, { nodes: [{ host: "127.0.0.1", port: 8130 }] });
  expect(await run([await binary(), "--check", "-f", file], folder)).toMatchObject({ exitCode: 0, stderr: "" });
});

describe("an unpacked addon that is damaged, and of the right size,", () => {
  /** A folder for temporary files where the addon was unpacked, and the addon in it. */
  async function unpacked() {
    const folder = emptyFolder();
    const temporary = join(folder, "tmp");
    mkdirSync(temporary);
    const file = configFile(folder, { nodes: [{ host: "127.0.0.1", port: 8130 }] });
    const command = ["env", `TMPDIR=${temporary}`, await binary(), "--check", "-f", file];
    const whole = await run(command, folder);
    expect(whole).toMatchObject({ exitCode: 0, stderr: "" });
    const files = readdirSync(temporary);
    expect(files).toEqual([expect.stringMatching(/^\.bun-.*\.node$/)]);
    return { folder, temporary, command, whole, addon: join(temporary, files[0]) };
  }

  test.each<[string, (bytes: Buffer) => void]>([
    ["all zeros", (bytes) => bytes.fill(0)],
    ["zeros behind its first page", (bytes) => bytes.fill(0, 4096)],
    ["zeros where its headers are", (bytes) => bytes.fill(0, 64, 464)],
    ["a bit in its code", (bytes) => bytes.writeUInt8(bytes[20_000] ^ 1, 20_000)],
    ["a bit at its end", (bytes) => bytes.writeUInt8(bytes[bytes.length - 1] ^ 1, bytes.length - 1)],
  ])("%s: it is replaced", async (_, damage) => {
    const { folder, temporary, command, whole, addon } = await unpacked();
    const good = readFileSync(addon);
    const bad = Buffer.from(good);
    damage(bad);
    writeFileSync(addon, bad);
    expect(await run(command, folder)).toEqual(whole);
    expect(readFileSync(addon).equals(good)).toBe(true);
    expect(readdirSync(temporary)).toHaveLength(1);
  });

  test("and cannot be replaced, is not needed, but named", async () => {
    const { folder, temporary, command, whole, addon } = await unpacked();
    writeFileSync(addon, Buffer.alloc(readFileSync(addon).length));
    // No file may have a byte: also for root, whom a folder without permission to write does not keep from it.
    const limited = ["bash", "-c", `trap "" XFSZ; ulimit -f 0; exec "$@"`, "bash", ...command];
    const { exitCode, stdout, stderr } = await run(limited, folder);
    expect({ exitCode, stdout }).toEqual({ exitCode: 0, stdout: whole.stdout });
    expect(stderr).toMatch(/^warning: the farmhash addon cannot be loaded, .*\n$/);
    expect(stderr).toContain(`${addon} is damaged and cannot be replaced, EFBIG: remove it`);
    expect(readdirSync(temporary)).toHaveLength(1);
  });
});

describe("without an addon that can be loaded", () => {
  const NODES = ["a", "b", "c"].map((name, i) => ({ host: "127.0.0.1", port: 8130 + i, name }));
  const NAMES = Array.from({ length: 500 }, (_, i) => `app.web-${i}.${"x".repeat(i % 40)}`);

  test("every name goes to the same node, and nothing is said but by --check, which says what to do", async () => {
    const folder = emptyFolder();
    const file = configFile(folder, { nodes: NODES });
    const nowhere = `TMPDIR=${join(folder, "nowhere")}`;
    for (const command of [
      ["route", "-f", file, ...NAMES],
      ["--check", "-f", file],
    ]) {
      const usual = await run([await binary(), ...command], folder);
      const without = await run(["env", nowhere, await binary(), ...command], folder);
      expect(usual).toMatchObject({ exitCode: 0, stderr: "" });
      expect({ ...without, stderr: "" }).toEqual(usual);
      if (command[0] === "route") expect(without.stderr).toBe("");
      else expect(without.stderr).toMatch(/^warning: the farmhash addon cannot be loaded, .* point TMPDIR at .*\n$/);
    }
  });

  test("a proxy starts, says it once however often it places nodes, and relays", async () => {
    const backends = await openBackends(2);
    const nodes = backends.map(({ node }) => node);
    const folder = emptyFolder();
    const [port, managementport] = await freePorts(2);
    const settings = { host: "127.0.0.1", port, managementport };
    const command = ["env", `TMPDIR=${join(folder, "nowhere")}`, await binary()];
    const file = configFile(folder, { ...settings, nodes: [nodes[0]] });
    const proxy = new RunningProxy([...command, "-f", file], folder, settings);
    await proxy.line("event=listening");
    configFile(folder, { ...settings, nodes });
    proxy.signal("SIGHUP");
    await proxy.line("event=reloaded");
    const lines = NAMES.map((name) => `${name}:1|c`);
    await send(proxy, lines);
    expect((await linesArrived(backends, lines.length)).sort()).toEqual(lines.sort());
    expect(proxy.lines.filter((line) => line.includes("event=addon_missing"))).toHaveLength(1);
  });
});

test("of the environment, only Bun's own variables are obeyed, as OPERATING.md says", async () => {
  const folder = emptyFolder();
  const { script, ran } = hostile(folder);
  const nodeOptions = await run(["env", `NODE_OPTIONS=--require ${script}`, await binary(), "--version"], folder);
  expect(nodeOptions).toEqual({ exitCode: 0, stdout: `${version}\n`, stderr: "" });
  expect(ran()).toBe(false);
  await run(["env", `BUN_OPTIONS=--preload=${script}`, await binary(), "--version"], folder);
  expect(ran()).toBe(true);
  expect(await run(["env", "BUN_BE_BUN=1", await binary(), "--version"], folder)).toMatchObject({
    stdout: `${Bun.version}\n`,
  });
});
