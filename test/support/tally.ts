/**
 * What arrived at a backend, in memory that it shares with the test: a backend can be stopped or killed in the middle of
 * anything, and nobody need ask it. The lines are a paced sender's, each with a serial number:
 *
 *     paced.<serial % NAMES>:<serial>|c
 */
import { closeSync, ftruncateSync, openSync } from "node:fs";
import { join } from "node:path";

/** Few enough for every route cache, many enough for every node to own some. */
const NAMES = 997;
/** Serial numbers that are told apart; no test sends more. */
export const SERIALS_MAX = 1 << 21;

const HEADER_BYTES = 64;
const LINES = 0;
const STRANGE = 1;
const PIPE = "|".charCodeAt(0);
const COLON = ":".charCodeAt(0);
const LF = "\n".charCodeAt(0);
const ZERO = "0".charCodeAt(0);
const NAME_START = "paced.".length;

export function pacedLine(serial: number): string {
  return `paced.${serial % NAMES}:${serial}|c`;
}

/** Makes the file that both sides map; returns its path. */
export function tallyFile(folder: string): string {
  const path = join(folder, `tally-${crypto.randomUUID()}`);
  const fd = openSync(path, "wx");
  ftruncateSync(fd, HEADER_BYTES + SERIALS_MAX);
  closeSync(fd);
  return path;
}

export class Tally {
  /** How often each serial number came, up to 255. */
  readonly times: Uint8Array;
  private readonly header: Float64Array;

  constructor(path: string) {
    const bytes = Bun.mmap(path, { shared: true });
    this.header = new Float64Array(bytes.buffer, bytes.byteOffset, HEADER_BYTES / 8);
    this.times = bytes.subarray(HEADER_BYTES);
  }

  get lines(): number {
    return this.header[LINES];
  }

  /** Lines that no paced sender sent. */
  get strange(): number {
    return this.header[STRANGE];
  }

  /** Takes in a datagram. */
  take(datagram: Uint8Array): void {
    let at = 0;
    while (at < datagram.length) {
      let end = datagram.indexOf(LF, at);
      if (end === -1) end = datagram.length;
      this.takeLine(datagram, at, end);
      at = end + 1;
    }
  }

  private takeLine(bytes: Uint8Array, start: number, end: number): void {
    // As statsd daemons do.
    if (start === end) return;
    let at = start + NAME_START;
    let name = 0;
    for (; at < end && bytes[at] !== COLON; at++) name = 10 * name + bytes[at] - ZERO;
    let serial = 0;
    for (at++; at < end && bytes[at] !== PIPE; at++) serial = 10 * serial + bytes[at] - ZERO;
    // A name of another form makes another number of it, or none.
    if (end - at !== "|c".length || serial % NAMES !== name || serial >= SERIALS_MAX) this.header[STRANGE]++;
    else if (this.times[serial] < 255) this.times[serial]++;
    this.header[LINES]++;
  }
}
