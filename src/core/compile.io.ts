/**
 * Compiles the core. A macro: it runs when core.ts is compiled, and its result replaces the call, so that a compiled
 * binary needs no files and `bun src/main.ts` no build. It takes seconds, so what was compiled last is kept.
 */
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const FOLDER = join(import.meta.dir, "assembly");
const PACKAGES = join(import.meta.dir, "..", "..", "node_modules");
const COMPILER = join(PACKAGES, "assemblyscript");
const KEPT = join(PACKAGES, ".cache", "core");
/** No checks of bounds, no collector, no start-up code: the core manages its memory by itself. */
const OPTIONS = ["-O3", "--converge", "--noAssert", "--runtime=stub", "--importMemory"];

/** A WebAssembly module in base64. */
export function compiledCore(): string {
  try {
    const kept = join(KEPT, `${digestOfSources()}.wasm`);
    return (moduleAt(kept) ?? compile(kept)).toString("base64");
  } catch (error) {
    // Of what a macro throws, Bun (1.4.5) tells nothing.
    console.error(`the core cannot be compiled: ${(error as Error).message}`);
    throw error;
  }
}

/** Undefined: there is none, or a broken one. */
function moduleAt(path: string): Buffer | undefined {
  if (!existsSync(path)) return undefined;
  const bytes = readFileSync(path);
  return WebAssembly.validate(bytes) ? bytes : undefined;
}

/** Compiles it, and keeps it at the path for the next time, if that can be written. */
function compile(path: string): Buffer {
  const folder = mkdtempSync(join(tmpdir(), "statsd-proxy-core-"));
  try {
    const outfile = join(folder, "core.wasm");
    const compiler = join(COMPILER, "bin", "asc.js");
    const command = [process.execPath, compiler, join(FOLDER, "index.ts"), ...OPTIONS, `--outFile=${outfile}`];
    const { exitCode, stderr } = Bun.spawnSync(command);
    // It writes in colour wherever CI is set, also into a pipe.
    if (exitCode !== 0) throw new Error(Bun.stripANSI(String(stderr)));
    keep(outfile, path);
    return readFileSync(outfile);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function keep(outfile: string, path: string): void {
  // Others may be doing the same, and read it at any moment.
  const unfinished = `${path}.${process.pid}`;
  try {
    mkdirSync(KEPT, { recursive: true });
    copyFileSync(outfile, unfinished);
    renameSync(unfinished, path);
  } catch {
    // Packages may belong to somebody else: then it is compiled each time.
  }
}

/** Of everything that the result depends on. */
function digestOfSources(): string {
  const digest = new Bun.CryptoHasher("sha256").update(OPTIONS.join(" "));
  digest.update(readFileSync(join(COMPILER, "package.json")));
  for (const name of readdirSync(FOLDER).sort()) digest.update(`${name}\n`).update(readFileSync(join(FOLDER, name)));
  return digest.digest("hex").slice(0, 32);
}
