/**
 * The simulation of a proxy with a fault, in this process: of the sources only those are made anew that come to depend on
 * the fault. All others are the same modules as without it, and as fast.
 */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";
import type { Fault } from "./faults.ts";
import { prepareSimulation, type simulate } from "./simulation.ts";

const ROOT = join(import.meta.dir, "..", "..");
const ENTRY = join(import.meta.dir, "simulation.ts");

/** @throws Error if the source is not as the fault has it */
export async function simulationWith(fault: Fault): Promise<typeof simulate> {
  await prepareSimulation();
  const folder = mkdtempSync(join(tmpdir(), "statsd-proxy-fault-"));
  try {
    const contents = sourceWith(fault);
    const file = join(ROOT, fault.file);
    const madeAnew = dependentsOf(file);
    const built = await Bun.build({
      entrypoints: [ENTRY],
      outdir: folder,
      target: "bun",
      plugins: [
        {
          name: "fault",
          setup(build) {
            build.onResolve({ filter: /./ }, ({ path, importer }) => {
              if (path === ENTRY) return undefined;
              const resolved = Bun.resolveSync(path, dirname(importer));
              return { path: resolved, external: !madeAnew.has(resolved) };
            });
            build.onLoad({ filter: /\.ts$/ }, ({ path }) => ({
              contents: path === file ? contents : readFileSync(path, "utf8"),
              loader: "ts",
            }));
          },
        },
      ],
    });
    const { simulate: simulateWith } = (await import(built.outputs[0].path)) as { simulate: typeof simulate };
    return simulateWith;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** The text of the file with the fault. @throws Error if the source is not as the fault has it */
export function sourceWith({ file, find, replace }: Omit<Fault, "name">): string {
  const source = readFileSync(join(ROOT, file), "utf8");
  if (source.split(find).length !== 2) throw new Error(`${file} does not have this once: ${find}`);
  return source.replace(find, () => replace);
}

/** What imports it, whoever imports that, and so on; and itself. */
function dependentsOf(file: string): ReadonlySet<string> {
  const found = new Set([file]);
  const importers = importersOfAll();
  for (const one of found) for (const importer of importers.get(one) ?? []) found.add(importer);
  if (!found.has(ENTRY)) throw new Error(`the simulation does not come to ${relative(ROOT, file)}`);
  return found;
}

let importers: Map<string, string[]> | undefined;

/** By each file of the simulation: the files that import it. */
function importersOfAll(): ReadonlyMap<string, readonly string[]> {
  if (importers !== undefined) return importers;
  importers = new Map();
  const transpiler = new Bun.Transpiler({ loader: "ts" });
  const files = new Set([ENTRY]);
  for (const file of files) {
    for (const { path } of transpiler.scanImports(readFileSync(file, "utf8"))) {
      if (!path.startsWith(".") || !path.endsWith(".ts")) continue;
      const imported = join(dirname(file), path);
      files.add(imported);
      const known = importers.get(imported);
      if (known) known.push(file);
      else importers.set(imported, [file]);
    }
  }
  return importers;
}
