/** Loads the farmhash addon: from beside the binary, else embedded in it (scripts/build.ts), else from node_modules. */
import { existsSync, lstatSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import type { Fingerprint32 } from "./placement.ts";

/**
 * An embedded addon is unpacked to a temporary folder and loaded from there. Where there is none (a container with a
 * read-only root), the addon is a plain file beside the binary.
 */
const BESIDE = join(dirname(process.execPath), "farmhash.node");

/** Where a compiled binary finds its embedded files. */
const EMBEDDED = "/$bunfs/root";

/**
 * One text for each code path of the addon, which depends on the length. An addon with other results would move names.
 */
const KNOWN_FINGERPRINTS = [
  ["foo", 1800414691],
  ["127.0.0.1:8", 1483277754],
  ["127.0.0.1:8130-2047", 1376862068],
  ["a.statsd.backend.example.com:8125-100", 1946910606],
] as const;

/** @throws Error with a one-line message: why the addon cannot be loaded, and what to do about it */
export function loadFingerprint32(): Fingerprint32 {
  try {
    const fingerprint32 = load();
    for (const [text, known] of KNOWN_FINGERPRINTS) {
      if (fingerprint32(text) !== known) throw new Error("it is damaged: its fingerprints are wrong");
    }
    return fingerprint32;
  } catch (error) {
    const reason = String((error as Error).message).split("\n")[0];
    throw new Error(
      `cannot load the farmhash addon (${reason}): point TMPDIR at a writable folder that is not mounted noexec, or ` +
        `put the addon beside the binary as ${BESIDE}`,
    );
  }
}

function load(): Fingerprint32 {
  if (existsSync(BESIDE)) return fingerprint32Of(createRequire(BESIDE)(BESIDE));
  repairUnpacked();
  return require("farmhash").fingerprint32;
}

/**
 * Bun 1.4.5 loads a previously unpacked addon if its size is right, whatever its content: zeros after a power cut, or
 * code with other results. So the file is compared here, under the name that Bun gives it, and replaced atomically,
 * because other processes may be starting at the same moment.
 */
function repairUnpacked(): void {
  const files = Bun.embeddedFiles as readonly (Blob & { readonly name: string })[];
  const embedded = files.find(({ name }) => name.endsWith(".node"));
  // When running from source, the addon is a separate file.
  if (embedded === undefined) return;
  const whole = readFileSync(join(EMBEDDED, embedded.name));
  const { BUN_TMPDIR, TMPDIR, TMP, TEMP } = process.env;
  const folder = BUN_TMPDIR || TMPDIR || TMP || TEMP || "/tmp";
  const uid = process.getuid?.();
  const unpacked = join(folder, `.bun-${uid}-${Bun.hash(whole).toString(16)}.node`);
  if (!isDamaged(unpacked, whole, uid)) return;
  const fresh = `${unpacked}.${crypto.randomUUID()}`;
  try {
    writeFileSync(fresh, whole, { mode: 0o600, flag: "wx" });
    renameSync(fresh, unpacked);
  } catch (error) {
    rmSync(fresh, { force: true });
    throw new Error(
      `${unpacked} is damaged and cannot be replaced, ${(error as NodeJS.ErrnoException).code}: remove it`,
    );
  }
}

/** Whether Bun would load it although its content is wrong. */
function isDamaged(unpacked: string, whole: Buffer, uid: number | undefined): boolean {
  try {
    const stat = lstatSync(unpacked);
    return stat.isFile() && stat.uid === uid && stat.size === whole.length && !readFileSync(unpacked).equals(whole);
  } catch {
    return false;
  }
}

/** The raw addon, without the package's wrapper. */
function fingerprint32Of(addon: {
  Fingerprint32String(text: string): number;
  Fingerprint32Buffer(bytes: Buffer): number;
}): Fingerprint32 {
  return (input) => (typeof input === "string" ? addon.Fingerprint32String(input) : addon.Fingerprint32Buffer(input));
}
