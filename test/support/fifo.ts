/** A pipe of which a test holds the reading end: it reads when it likes, or not at all, or goes away. */
import { onTestFinished } from "bun:test";
import { closeSync, constants, openSync, readSync, writeSync } from "node:fs";
import { join } from "node:path";
import { emptyFolder } from "./folder.ts";

const { O_NONBLOCK, O_RDONLY, O_WRONLY } = constants;
/** What a pipe takes at once or not at all (PIPE_BUF), and what one of its places holds. */
const PAGE = Buffer.from(`${"#".repeat(4095)}\n`);

export class Fifo {
  /** What was read so far. */
  text = "";
  private readonly path: string;
  private readonly reader: number;
  private readonly opened = new Set<number>();
  private readonly piece = Buffer.alloc(65536);

  constructor() {
    const folder = emptyFolder();
    this.path = join(folder, "fifo");
    if (Bun.spawnSync(["mkfifo", this.path]).exitCode !== 0) throw new Error("mkfifo");
    this.reader = this.open(O_RDONLY | O_NONBLOCK);
    onTestFinished(() => {
      for (const fd of this.opened) closeSync(fd);
    });
  }

  /** A writing end. */
  writer(isBlocking = true): number {
    return this.open(isBlocking ? O_WRONLY : O_WRONLY | O_NONBLOCK);
  }

  /** Another reading end, which a writer finds when all others are gone. */
  readAgain(): void {
    this.text = "";
    const reader = this.open(O_RDONLY | O_NONBLOCK);
    Object.assign(this, { reader });
  }

  /** Fills it with lines of #. */
  fill(): void {
    const fd = this.writer(false);
    try {
      for (;;) writeSync(fd, PAGE);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EAGAIN") throw error;
    }
    this.close(fd);
  }

  /** Reads what there is; returns all that was read so far, without what it was filled with. */
  read(): string {
    try {
      for (;;) {
        const count = readSync(this.reader, this.piece);
        if (count === 0) break;
        this.text += this.piece.toString("utf8", 0, count);
      }
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EAGAIN") throw error;
    }
    this.text = this.text.replaceAll(PAGE.toString(), "");
    return this.text;
  }

  /** Lines that were read so far, whole ones. */
  lines(): string[] {
    return this.read().split("\n").slice(0, -1);
  }

  /** The reader goes away. */
  closeReader(): void {
    this.close(this.reader);
  }

  close(fd: number): void {
    closeSync(fd);
    this.opened.delete(fd);
  }

  private open(flags: number): number {
    const fd = openSync(this.path, flags);
    this.opened.add(fd);
    return fd;
  }
}
