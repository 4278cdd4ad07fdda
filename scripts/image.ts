/**
 * Lays out the root folder of the container image: the binary, the farmhash addon as a plain file beside it, and
 * nothing of the system but the loader and the libraries that these two need. Used by the Dockerfile and by the test of
 * the image.
 */
import { chmodSync, copyFileSync, lstatSync, mkdirSync, readFileSync, readlinkSync } from "node:fs";
import { basename, dirname, isAbsolute, join } from "node:path";
import { Command, Option } from "@commander-js/extra-typings";
import { build } from "./build.ts";
import { readExecutable } from "./executable.ts";
import { addonFile } from "./readBack.ts";
import { hostTarget, type Target, targetNamed } from "./targets.ts";

const BINARY = "/bin/statsd-proxy";
/** Where src/placement/farmhash.io.ts looks first. */
const ADDON = "/bin/farmhash.node";
/** Container engines create the mount points that they need, except on a read-only root. */
const MOUNT_POINTS = ["/dev", "/etc", "/proc", "/sys"];

/** Names used by container engines. */
const ARCHITECTURES = ["amd64", "arm64"] as const;
const TARGET_NAMES = { amd64: "linux-x64", arm64: "linux-arm64" };
const GNU_NAMES = { x64: "x86_64-linux-gnu", arm64: "aarch64-linux-gnu" };

if (import.meta.main) {
  const command = new Command("image")
    .description("Lays out the root folder of the container image.")
    .argument("<folder>", "where to; must not exist yet")
    .addOption(new Option("--architecture <name>", "default: this machine's").choices(ARCHITECTURES))
    .option("--system <folder>", "root folder of the system to take the libraries from", "/")
    .parse();
  const [folder] = command.processedArgs;
  const { architecture, system } = command.opts();
  const target = architecture === undefined ? hostTarget() : targetNamed(TARGET_NAMES[architecture]);
  for (const path of await layOutImage(folder, target, system)) console.log(path);
}

/**
 * @param folder must not exist yet
 * @param system the root folder of a system of the target's kind, to take the libraries from
 * @returns the files, as paths in the image
 */
export async function layOutImage(folder: string, target = hostTarget(), system = "/"): Promise<string[]> {
  mkdirSync(folder);
  for (const path of [...MOUNT_POINTS, dirname(BINARY)]) mkdirSync(join(folder, path));
  await build(join(folder, BINARY), target);
  const sources = new Map([[ADDON, addonFile(target)], ...librariesOf(folder, target, system)]);
  for (const [path, source] of sources) {
    mkdirSync(join(folder, dirname(path)), { recursive: true });
    copyFileSync(source, join(folder, path));
  }
  const files = [BINARY, ...sources.keys()];
  // For any user, whatever the umask when it was laid out.
  for (const path of files.flatMap(withParents)) chmodSync(join(folder, path), 0o755);
  return files.sort();
}

/** The loader, the libraries that the binary and the addon need, and those that these need: paths and their files. */
function librariesOf(folder: string, target: Target, system: string): Map<string, string> {
  const loader = fileIn(system, target.loader ?? "");
  if (loader === undefined) throw new Error(`${system} has no ${target.loader}`);
  const found = new Map([[target.loader ?? "", loader]]);
  const asking = [join(folder, BINARY), addonFile(target)];
  for (const requester of asking) {
    for (const name of askedFor(requester)) {
      const paths = libraryFolders(target).map((path) => join(path, name));
      const path = paths.find((path) => isFor(target, fileIn(system, path)));
      const file = path && fileIn(system, path);
      if (!file) throw new Error(`${basename(requester)} needs ${name}, and ${system} has none for ${target.name}`);
      // The loader is a library, too: glibc's under another path, and musl's, which is also its libc, under another
      // name.
      if (found.has(path) || file === loader) continue;
      found.set(path, file);
      asking.push(file);
    }
  }
  return found;
}

/** The names of the libraries that an executable loads, at its start or later. */
function askedFor(file: string): readonly string[] {
  const bytes = readFileSync(file);
  const { libraries } = readExecutable(bytes);
  // Before 2.34, glibc loads these two when it resolves a name. They are part of it now.
  const isOldGlibc = bytes.includes("GNU C Library") && bytes.includes("libnss_") && !bytes.includes("GLIBC_2.34\0");
  return isOldGlibc ? [...libraries, "libnss_files.so.2", "libnss_dns.so.2"] : libraries;
}

/** The loader's search path, in order. */
function libraryFolders({ machine }: Target): string[] {
  const gnu = GNU_NAMES[machine];
  return [`/lib/${gnu}`, `/usr/lib/${gnu}`, "/lib64", "/usr/lib64", "/lib", "/usr/lib"];
}

/** What a path means to a program whose root folder is `system`; links may lead from root to root. */
function fileIn(system: string, path: string): string | undefined {
  const file = join(system, path);
  if (!lstatSync(file, { throwIfNoEntry: false })?.isSymbolicLink()) {
    return lstatSync(file, { throwIfNoEntry: false })?.isFile() ? file : undefined;
  }
  const link = readlinkSync(file);
  return fileIn(system, isAbsolute(link) ? link : join(dirname(path), link));
}

function isFor({ machine }: Target, file: string | undefined): boolean {
  return file !== undefined && readExecutable(readFileSync(file)).machine === machine;
}

function withParents(path: string): string[] {
  return path === "/" ? [path] : [path, ...withParents(dirname(path))];
}
