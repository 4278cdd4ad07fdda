/**
 * Compiles the core. A macro: it runs when core.ts is compiled, and its result replaces the call, so that a compiled
 * binary needs no files and `bun src/main.ts` no build. It takes seconds, so what was compiled last is kept.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync } from "node:fs";
import { join } from "node:path";

const FOLDER = join(import.meta.dir, "assembly");
const PACKAGES = join(import.meta.dir, "..", "..", "node_modules");
const COMPILER = join(PACKAGES, "assemblyscript");
const KEPT = join(PACKAGES, ".cache", "core");
/** No checks of bounds, no collector, no start-up code: the core manages its memory by itself. */
const OPTIONS = ["-O3", "--converge", "--noAssert", "--runtime=stub", "--importMemory"];

/** A WebAssembly module in base64. */
export function compiledCore(): string {
  const kept = join(KEPT, `${digestOfSources()}.wasm`);
  if (!existsSync(kept)) compile(kept);
  return readFileSync(kept, "base64");
}

function compile(outfile: string): void {
  mkdirSync(KEPT, { recursive: true });
  // Others may be compiling the same.
  const unfinished = `${outfile}.${process.pid}`;
  const compiler = join(COMPILER, "bin", "asc.js");
  const options = [...OPTIONS, `--outFile=${unfinished}`];
  const { exitCode, stderr } = Bun.spawnSync([process.execPath, compiler, join(FOLDER, "index.ts"), ...options]);
  if (exitCode !== 0) throw new Error(`the core cannot be compiled: ${stderr}`);
  renameSync(unfinished, outfile);
}

/** Of everything that the result depends on. */
function digestOfSources(): string {
  const digest = new Bun.CryptoHasher("sha256").update(OPTIONS.join(" "));
  digest.update(readFileSync(join(COMPILER, "package.json")));
  for (const name of readdirSync(FOLDER).sort()) digest.update(`${name}\n`).update(readFileSync(join(FOLDER, name)));
  return digest.digest("hex").slice(0, 32);
}
