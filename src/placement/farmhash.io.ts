/** Loads the farmhash addon: from beside the binary, else embedded in it (scripts/build.ts), else from node_modules. */
import { existsSync, lstatSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import type { Fingerprint32 } from "./placement.ts";

/**
 * An embedded addon is unpacked to a temporary folder and loaded from there. Where there is none (a container with a
 * read-only root), the addon lies here as a plain file.
 */
const BESIDE = join(dirname(process.execPath), "farmhash.node");

/** Where a compiled binary has its files. */
const EMBEDDED = "/$bunfs/root";

/** Of a text for each way that the addon goes, by its length. An addon that answers otherwise would move names. */
const KNOWN_FINGERPRINTS = [
  ["foo", 1800414691],
  ["127.0.0.1:8", 1483277754],
  ["127.0.0.1:8130-2047", 1376862068],
  ["a.statsd.backend.example.com:8125-100", 1946910606],
] as const;

/** @throws Error with one line that says why the addon cannot be loaded, and what to do about it */
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
 * Bun 1.4.5 loads an addon that was unpacked before if its size is right, whatever is in it: zeros after a power cut, or
 * code that calculates something else. So it is compared here, by the name that Bun gives it, and replaced at once, for
 * others that start at this moment.
 */
function repairUnpacked(): void {
  const files = Bun.embeddedFiles as readonly (Blob & { readonly name: string })[];
  const embedded = files.find(({ name }) => name.endsWith(".node"));
  // From source, the addon is a file of its own.
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

/** Whether it is what Bun would load, but not what it should be. */
function isDamaged(unpacked: string, whole: Buffer, uid: number | undefined): boolean {
  try {
    const stat = lstatSync(unpacked);
    return stat.isFile() && stat.uid === uid && stat.size === whole.length && !readFileSync(unpacked).equals(whole);
  } catch {
    return false;
  }
}

/** The addon as it is, without the package's wrapper. */
function fingerprint32Of(addon: {
  Fingerprint32String(text: string): number;
  Fingerprint32Buffer(bytes: Buffer): number;
}): Fingerprint32 {
  return (input) => (typeof input === "string" ? addon.Fingerprint32String(input) : addon.Fingerprint32Buffer(input));
}
