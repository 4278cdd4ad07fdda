/** Reads a file that may be no ordinary file: an endless device, or a pipe that nobody writes to. */
import { closeSync, constants, fstatSync, openSync, readSync, statSync } from "node:fs";

export interface Bounds {
  readonly bytesMax: number;
  /** Undefined: nothing but a file is read. What came through a pipe comes once. */
  readonly waiting: Waiting | undefined;
}

interface Waiting {
  /** How long a pipe may stay silent. */
  readonly silenceMs: number;
  /** Called once, when a pipe has been silent for `reportAfterMs`. */
  readonly onWait: () => void;
  readonly reportAfterMs: number;
}

/** What is said of a configuration of which there is no file. */
export const NO_SECOND_TIME = "the configuration came through a pipe: it cannot be read again";

const PIECE_BYTES = 64 * 1024;
const RETRY_MS = 10;

/** @throws Error with a one-line message about the file; what `open` throws, with its `code` */
export function readBounded(file: string, { bytesMax, waiting }: Bounds): string {
  // Without O_NONBLOCK, opening a named pipe would block until somebody writes to it.
  const fd = openSync(file, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const stat = fstatSync(fd);
    if (stat.isDirectory()) throw new Error("this is a directory, not a file");
    if (waiting === undefined && !stat.isFile()) throw new Error(NO_SECOND_TIME);
    if (stat.size > bytesMax) throw tooLarge(bytesMax);
    // An unnamed pipe has one writer from the start; a named pipe may get one later.
    const comesLater = stat.isFIFO() && !/^\/(dev|proc)\//.test(file);
    const pieces: Buffer[] = [];
    let read = 0;
    let silentMs = 0;
    let reported = false;
    for (;;) {
      const piece = readPiece(fd);
      if (waiting && (piece === undefined || (piece.length === 0 && read === 0 && comesLater))) {
        const { silenceMs, reportAfterMs, onWait } = waiting;
        if (silentMs >= silenceMs)
          throw new Error(`nothing was written to this pipe within ${silenceMs / 1000} seconds`);
        if (silentMs >= reportAfterMs && !reported) {
          reported = true;
          onWait();
        }
        Bun.sleepSync(RETRY_MS);
        silentMs += RETRY_MS;
        continue;
      }
      if (piece === undefined || piece.length === 0) return Buffer.concat(pieces).toString("utf8");
      silentMs = 0;
      pieces.push(piece);
      read += piece.length;
      if (read > bytesMax) throw tooLarge(bytesMax);
    }
  } finally {
    closeSync(fd);
  }
}

/** Whether there is something whose content comes once: a pipe, a socket, a terminal. */
export function comesOnce(file: string): boolean {
  const stat = statSync(file, { throwIfNoEntry: false });
  return stat !== undefined && !stat.isFile() && !stat.isDirectory();
}

/** Empty: end of file; undefined: nothing yet. */
function readPiece(fd: number): Buffer | undefined {
  try {
    const piece = Buffer.allocUnsafe(PIECE_BYTES);
    return piece.subarray(0, readSync(fd, piece));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EAGAIN") return undefined;
    throw error;
  }
}

function tooLarge(bytesMax: number): Error {
  return new Error(`larger than ${bytesMax / 2 ** 20} MiB, too large for a configuration`);
}
