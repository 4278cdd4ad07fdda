/** Temporary folders. */
import { onTestFinished } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { AtEnd } from "./cleanUp.ts";

/** An empty folder, with no repository around it, which is gone in the end. */
export function emptyFolder(atEnd: AtEnd = onTestFinished): string {
  const folder = mkdtempSync(join(tmpdir(), "statsd-proxy-test-"));
  atEnd(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}
