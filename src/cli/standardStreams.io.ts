/** Standard input and output of commands that do one thing and end: read and written at once, however slow a pipe is. */
import { readSync, writeSync } from "node:fs";

const STDIN = 0;
const STDOUT = 1;
/** Between two tries, where the other end of a pipe is slower and does not block. */
const RETRY_MS = 1;

/** Reads into `into[at, end)` what there is; returns how many bytes came; 0: there are no more. */
export function readInput(into: Buffer, at: number): number {
  for (;;) {
    try {
      return readSync(STDIN, into, at, into.length - at, null);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "EOF") return 0;
      retryLater(error);
    }
  }
}

/** @throws what writing throws: EPIPE, if nobody reads any more */
export function writeOutput(bytes: Buffer): void {
  for (let at = 0; at < bytes.length; ) {
    try {
      at += writeSync(STDOUT, bytes, at, bytes.length - at);
    } catch (error) {
      retryLater(error);
    }
  }
}

/** @throws what is not cured by waiting */
function retryLater(error: unknown): void {
  if ((error as NodeJS.ErrnoException).code !== "EAGAIN") throw error;
  Bun.sleepSync(RETRY_MS);
}
