/** Loads the farmhash addon: from beside the binary, else embedded in it (scripts/build.ts), else from node_modules. */
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import type { Fingerprint32 } from "../core/placement.ts";

/**
 * An embedded addon is unpacked to a temporary folder and loaded from there. Where there is none (a container with a
 * read-only root), the addon lies here as a plain file.
 */
const BESIDE = join(dirname(process.execPath), "farmhash.node");

/** @throws Error with one line that says why the addon cannot be loaded, and what to do about it */
export function loadFingerprint32(): Fingerprint32 {
  try {
    if (existsSync(BESIDE)) return fingerprint32Of(createRequire(BESIDE)(BESIDE));
    return require("farmhash").fingerprint32;
  } catch (error) {
    const reason = String((error as Error).message).split("\n")[0];
    throw new Error(
      `cannot load the farmhash addon (${reason}): point TMPDIR at a writable folder that is not mounted noexec, or ` +
        `put the addon beside the binary as ${BESIDE}`,
    );
  }
}

/** The addon as it is, without the package's wrapper. */
function fingerprint32Of(addon: {
  Fingerprint32String(text: string): number;
  Fingerprint32Buffer(bytes: Buffer): number;
}): Fingerprint32 {
  return (input) => (typeof input === "string" ? addon.Fingerprint32String(input) : addon.Fingerprint32Buffer(input));
}
