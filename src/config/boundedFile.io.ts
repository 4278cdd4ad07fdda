/** Reads a file that may be none: a device without an end, or a pipe that nobody writes to. */
import { closeSync, constants, fstatSync, openSync, readSync } from "node:fs";

export interface Bounds {
  readonly bytesMax: number;
  /** How long nothing may come from a pipe. */
  readonly silenceMs: number;
  /** Called once, when nothing has come from a pipe for `tellAfterMs`. */
  readonly onWait: () => void;
  readonly tellAfterMs: number;
}

const PIECE_BYTES = 64 * 1024;
const RETRY_MS = 10;

/** @throws Error with one line that says what is the matter with the file; what `open` throws, with its `code` */
export function readBounded(file: string, { bytesMax, silenceMs, tellAfterMs, onWait }: Bounds): string {
  // A named pipe would keep `open` waiting for somebody who writes to it.
  const fd = openSync(file, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const stat = fstatSync(fd);
    if (stat.isDirectory()) throw new Error("this is a directory, not a file");
    if (stat.size > bytesMax) throw tooLarge(bytesMax);
    // One end of a pipe that has no name is all there is to it; to one that has, somebody may yet come to write.
    const comesLater = stat.isFIFO() && !/^\/(dev|proc)\//.test(file);
    const pieces: Buffer[] = [];
    let read = 0;
    let silentMs = 0;
    let told = false;
    for (;;) {
      const piece = readPiece(fd);
      if (piece === undefined || (piece.length === 0 && read === 0 && comesLater)) {
        if (silentMs >= silenceMs) throw new Error(`nothing was written to this pipe for ${silenceMs / 1000} seconds`);
        if (silentMs >= tellAfterMs && !told) {
          told = true;
          onWait();
        }
        Bun.sleepSync(RETRY_MS);
        silentMs += RETRY_MS;
        continue;
      }
      if (piece.length === 0) return Buffer.concat(pieces).toString("utf8");
      silentMs = 0;
      pieces.push(piece);
      read += piece.length;
      if (read > bytesMax) throw tooLarge(bytesMax);
    }
  } finally {
    closeSync(fd);
  }
}

/** Empty: there is no more; undefined: there is no more yet. */
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
