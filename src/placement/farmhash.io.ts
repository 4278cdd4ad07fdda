/**
 * Loads the farmhash addon: from beside the binary, else embedded in it (scripts/build.ts), else from node_modules. It
 * hashes the points of a ring, and is the judge of our own function, which hashes names (fingerprint32.ts), at every
 * start. Where it cannot be loaded, our own function hashes the points, too.
 */
import { existsSync, lstatSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fingerprint32 as ownFingerprint32 } from "./fingerprint32.ts";
import type { Fingerprint32 } from "./placement.ts";

/**
 * An embedded addon is unpacked to a temporary folder and loaded from there. Where there is none (a container with a
 * read-only root), the addon is a plain file beside the binary.
 */
const BESIDE = join(dirname(process.execPath), "farmhash.node");

/** Where a compiled binary finds its embedded files. */
const EMBEDDED = "/$bunfs/root";

/** A text for each way through the function, which depends on the length. */
const TEXTS = [
  ...["", "a", "foo", "caf\u00e9", "127.0.0.1:8", "app.logins", "127.0.0.1:8130-2047", "caf\u00e9.caf\u00e9.caf\u00e9"],
  ...["a.statsd.backend.example.com:8125-100", "app.checkout.web-017.http.response_time.by_country.caf\u00e9.2017"],
];

/** Loaded by now. */
let loaded: Fingerprint32 | undefined;

/**
 * The addon's function, or our own where there is no addon.
 * @param onMissing is told why there is none, and what to do about it, once
 * @throws Error with a one-line message, if the two differ
 */
export function loadFingerprint32(onMissing?: (reason: string) => void): Fingerprint32 {
  loaded ??= judged(addonsOr((reason) => onMissing?.(reason)));
  return loaded;
}

function addonsOr(onMissing: (reason: string) => void): Fingerprint32 {
  try {
    return load();
  } catch (error) {
    const reason = String((error as Error).message).split("\n")[0];
    onMissing(
      `${reason}; to load it, point TMPDIR at a writable folder that is not mounted noexec, or put the addon beside the ` +
        `binary as ${BESIDE}`,
    );
    return ofText;
  }
}

/** Points and names must be hashed alike, or names would move. */
export function judged(fingerprint32: Fingerprint32): Fingerprint32 {
  for (const text of TEXTS) {
    if (fingerprint32(text) === ofText(text)) continue;
    throw new Error(`the farmhash addon is damaged: it hashes ${JSON.stringify(text)} in another way`);
  }
  return fingerprint32;
}

function ofText(input: string | Buffer): number {
  const bytes = Buffer.from(input);
  return ownFingerprint32(bytes, 0, bytes.length);
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
