/** Compiling the core where nothing is kept yet, cannot be kept, or is broken. */
import { expect, setDefaultTimeout, test } from "bun:test";
import {
  appendFileSync,
  cpSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "bun";
import packageJson from "../../package.json";
import { emptyFolder } from "../support/folder.ts";

setDefaultTimeout(60_000);

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

/** A tree with the core's sources and its compiler, and nothing else. */
function tree(): string {
  const folder = emptyFolder();
  cpSync(join(ROOT, "src", "core"), join(folder, "src", "core"), { recursive: true });
  mkdirSync(join(folder, "node_modules"));
  symlinkSync(join(ROOT, "node_modules", "assemblyscript"), join(folder, "node_modules", "assemblyscript"));
  return folder;
}

function compiledIn(folder: string, env = process.env): { readonly module: string; readonly said: string } {
  const program = 'console.log(require("./src/core/compile.io.ts").compiledCore())';
  const { stdout, stderr } = Bun.spawnSync([process.execPath, "-e", program], { cwd: folder, env });
  return { module: String(stdout).trim(), said: String(stderr) };
}

function isModule(base64: string): boolean {
  return WebAssembly.validate(Buffer.from(base64, "base64"));
}

test("what is compiled is kept, and compiled anew when what was kept is broken", () => {
  const folder = tree();
  const { module } = compiledIn(folder);
  expect(isModule(module)).toBe(true);
  const kept = join(folder, "node_modules", ".cache", "core");
  const [name] = readdirSync(kept);
  expect(readFileSync(join(kept, name), "base64")).toBe(module);
  truncateSync(join(kept, name), 100);
  expect(compiledIn(folder).module).toBe(module);
  expect(readFileSync(join(kept, name), "base64")).toBe(module);
  expect(readdirSync(kept)).toEqual([name]);
});

test("it is compiled where nothing can be kept", () => {
  const folder = tree();
  writeFileSync(join(folder, "node_modules", ".cache"), "in the way");
  expect(isModule(compiledIn(folder).module)).toBe(true);
});

test.each([
  ["at a desk", undefined],
  ["in CI, where the compiler writes in colour", "1"],
])("an error in its sources is told with its place, %s", (_where, CI) => {
  const folder = tree();
  appendFileSync(join(folder, "src", "core", "assembly", "lines.ts"), "\nlet x: u32 = undeclared;\n");
  const { said } = compiledIn(folder, { ...process.env, CI });
  expect(said).toMatch(/^the core cannot be compiled: ERROR TS2304: Cannot find name 'undeclared'/);
});

test("its compiler is there where development dependencies are not: an image is built so", () => {
  expect(Object.keys(packageJson.dependencies)).toContain("assemblyscript");
});
