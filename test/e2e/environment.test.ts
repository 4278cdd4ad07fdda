/** What may lie around the binary where it is started, and what its environment may say. */
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { version } from "../../package.json";
import { binary } from "../support/binary.ts";
import { emptyFolder } from "../support/folder.ts";
import { configFile, run } from "../support/process.ts";

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
  expect(stdout).toContain("100.0 % of the names");
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

  test("and cannot be replaced, is named, with what to do", async () => {
    const { folder, temporary, command, addon } = await unpacked();
    writeFileSync(addon, Buffer.alloc(readFileSync(addon).length));
    // No file may have a byte: also for root, whom a folder without permission to write does not keep from it.
    const limited = ["bash", "-c", `trap "" XFSZ; ulimit -f 0; exec "$@"`, "bash", ...command];
    const { exitCode, stdout, stderr } = await run(limited, folder);
    expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: "" });
    expect(stderr).toMatch(/^cannot load the farmhash addon \(.*\).*\n$/);
    expect(stderr).toContain(`${addon} is damaged and cannot be replaced, EFBIG: remove it`);
    expect(readdirSync(temporary)).toHaveLength(1);
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
