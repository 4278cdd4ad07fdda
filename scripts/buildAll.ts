/**
 * Builds dist/release: an archive per target, and SHA256SUMS. The same sources and the same Bun produce the same
 * binaries, so anybody can verify a download by rebuilding it. On Linux, with GNU tar.
 */
import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { gzipSync } from "node:zlib";
import { fileURLToPath } from "bun";
import { version } from "../package.json";
import { build } from "./build.ts";
import { hostTarget, TARGETS, type Target } from "./targets.ts";

const root = fileURLToPath(new URL("..", import.meta.url));

/**
 * Files in an archive besides the binary, at the same paths as in the repository, so that links in the documents work.
 */
const ENCLOSED = [
  ".github/status-page.png",
  "ARCHITECTURE.md",
  "CHANGELOG.md",
  "CONTRIBUTING.md",
  "LICENSE",
  "OPERATING.md",
  "PERFORMANCE.md",
  "README.md",
  "exampleConfig.json",
  "scripts/alerts.yaml",
  "scripts/dashboard.json",
  "scripts/kubernetes.yaml",
  "scripts/statsd-proxy.service",
  "scripts/statsd-proxy@.service",
];

if (import.meta.main) {
  const folder = join(root, "dist", "release");
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const archives: string[] = [];
  for (const target of TARGETS) {
    const archive = await makeArchive(folder, target);
    if (target === hostTarget()) smokeTest(archive, target);
    archives.push(archive);
    console.log(archive);
  }
  console.log(writeSums(folder, archives));
}

/** Builds the binary of the target, and packs it into `folder`. Returns the archive's path. @param level of gzip, 1 to 9 */
export async function makeArchive(folder: string, target: Target, level = 9): Promise<string> {
  const name = archiveName(target);
  const contents = join(folder, name);
  mkdirSync(contents);
  try {
    await build(join(contents, "statsd-proxy"), target);
    for (const file of ENCLOSED) {
      mkdirSync(join(contents, dirname(file)), { recursive: true });
      copyFileSync(join(root, file), join(contents, file));
    }
    const archive = join(folder, `${name}.tar.gz`);
    writeFileSync(archive, gzipSync(tar(folder, name), { level }));
    return archive;
  } finally {
    rmSync(contents, { recursive: true });
  }
}

/** Writes SHA256SUMS beside the archives, for `sha256sum -c`. Returns its path. */
export function writeSums(folder: string, archives: readonly string[]): string {
  const lines = archives.map((archive) => {
    const sum = new Bun.CryptoHasher("sha256").update(readFileSync(archive)).digest("hex");
    return `${sum}  ${basename(archive)}\n`;
  });
  const file = join(folder, "SHA256SUMS");
  writeFileSync(file, lines.join(""));
  return file;
}

/** Unpacks this machine's archive, and lets the binary compute the ring of the example. @throws Error if it cannot */
function smokeTest(archive: string, target: Target): void {
  const folder = `${archive}-smoke`;
  mkdirSync(folder);
  try {
    output(["tar", "-xzf", archive, "-C", folder]);
    const cwd = join(folder, archiveName(target));
    const said =
      output(["./statsd-proxy", "--version"], cwd) +
      output(["./statsd-proxy", "--check", "-f", "exampleConfig.json"], cwd);
    if (!said.startsWith(`${version}\n`) || said.match(/3\d\.\d % of the names/g)?.length !== 3) throw new Error(said);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function archiveName(target: Target): string {
  return `statsd-proxy-${version}-${target.name}`;
}

/** Nothing in it reveals when, where or by whom it was packed. */
function tar(folder: string, name: string): Buffer {
  const plain = ["--sort=name", "--owner=0", "--group=0", "--numeric-owner", "--mode=u+rwX,go=rX", "--mtime=@0"];
  return outputBytes(["tar", "--create", "--format=ustar", ...plain, "-C", folder, name]);
}

function output(command: string[], cwd?: string): string {
  return outputBytes(command, cwd).toString();
}

/** @throws Error with its output, if it fails */
function outputBytes(command: string[], cwd = root): Buffer {
  const { success, stdout, stderr } = Bun.spawnSync(command, { cwd });
  if (!success) throw new Error(`${command.join(" ")}: ${stderr}`);
  return stdout;
}
