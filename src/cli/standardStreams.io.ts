/** Synchronous standard input and output, for commands that do one thing and exit; works with slow pipes. */
import { readSync, writeSync } from "node:fs";

const STDIN = 0;
const STDOUT = 1;
/** Between attempts, when the other end of a non-blocking pipe is slow. */
const RETRY_MS = 1;

/** Reads what is available into `into[at, end)`; returns the number of bytes, 0 at the end of the input. */
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

/** @throws what a write throws: EPIPE, if nobody reads any more */
export function writeOutput(bytes: Buffer): void {
  for (let at = 0; at < bytes.length; ) {
    try {
      at += writeSync(STDOUT, bytes, at, bytes.length - at);
    } catch (error) {
      retryLater(error);
    }
  }
}

/** @throws any error that waiting does not cure */
function retryLater(error: unknown): void {
  if ((error as NodeJS.ErrnoException).code !== "EAGAIN") throw error;
  Bun.sleepSync(RETRY_MS);
}
