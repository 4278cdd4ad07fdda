/** Gives back memory that only the start needed. Linux only. */
import { readFileSync } from "node:fs";
import { openLibc } from "./libc.io.ts";

const MADV_DONTNEED = 4;

/**
 * Unmaps the executable's code, which is read again, page by page, where it still runs: of 34 MB that the start touched,
 * an idle proxy needs 15. Only code: pages of data may hold what the loader has put there.
 */
export function releaseStartPages(): void {
  try {
    const libc = openLibc();
    for (const { at, bytes } of codeOf(process.execPath, readFileSync("/proc/self/maps", "latin1")))
      libc.madvise(at, bytes, MADV_DONTNEED);
  } catch {
    // They stay.
  }
}

/** Where the code of a file is mapped, according to /proc/PID/maps. Not what a debugger has made writable. */
export function codeOf(path: string, maps: string): { readonly at: number; readonly bytes: number }[] {
  return maps.split("\n").flatMap((line) => {
    const [, from, to, file] = /^([0-9a-f]+)-([0-9a-f]+) r-xp [0-9a-f]+ \S+ \d+ +(.*)$/.exec(line) ?? [];
    if (file !== path) return [];
    const at = Number.parseInt(from, 16);
    return [{ at, bytes: Number.parseInt(to, 16) - at }];
  });
}
