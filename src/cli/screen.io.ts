/** Standard output as a screen that is redrawn until a key or a signal ends it; or as plain text. */
import type { FrameLine } from "./topText.ts";

// ECMA-48, and xterm's private modes 1049 (the alternate screen) and 25 (the cursor).
const ENTER = "\x1b[?1049h\x1b[?25l";
const LEAVE = "\x1b[?25h\x1b[?1049l";
const HOME = "\x1b[H";
const CLEAR_LINE_REST = "\x1b[K";
const CLEAR_BELOW = "\x1b[J";
const RED = "\x1b[31m";
const NORMAL = "\x1b[0m";

/** `q`, and what Ctrl-C and Ctrl-D send in a raw terminal. */
const SURE_END_KEYS = ["\x03", "\x04"];
const END_KEYS = ["q", "Q", ...SURE_END_KEYS];
const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

export class Screen {
  private readonly plain: boolean;
  private isOpen = false;
  private ended = false;
  /** Ends the current wait. */
  private wake = () => {};

  /** @param plain not a terminal: frames are printed one below the other */
  constructor(plain: boolean) {
    this.plain = plain;
  }

  /**
   * @param redraw called when the terminal has been resized
   * @param onKeys called with what was typed; false: these keys are not for ending either
   */
  open(redraw: () => void, onKeys: (keys: string) => boolean): void {
    const end = () => {
      this.ended = true;
      this.wake();
    };
    this.isOpen = true;
    // A reader that stops early (`| head`) has what it wanted.
    process.stdout.on("error", end);
    for (const signal of SIGNALS) process.on(signal, end);
    if (this.plain) return;
    process.stdout.write(ENTER);
    process.stdout.on("resize", redraw);
    if (!process.stdin.isTTY) return;
    process.stdin.setRawMode(true);
    process.stdin.on("data", (bytes) => {
      const keys = bytes.toString();
      const ends = onKeys(keys) ? END_KEYS : SURE_END_KEYS;
      if (ends.some((key) => keys.includes(key))) end();
    });
  }

  draw(linesOf: (linesMax: number, columnsMax: number) => readonly FrameLine[]): void {
    if (!this.isOpen) return;
    if (this.plain) {
      const lines = linesOf(Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY);
      process.stdout.write(`${lines.map(({ text }) => text).join("\n")}\n\n`);
      return;
    }
    // A terminal that does not know its size reports 0.
    const [rows, columns] = [process.stdout.rows || 24, process.stdout.columns || 80];
    const lines = linesOf(rows, columns).slice(0, rows);
    const shown = lines.map(({ text, alarm }) => {
      const cut = text.slice(0, columns);
      return `${alarm ? RED + cut + NORMAL : cut}${cut.length < columns ? CLEAR_LINE_REST : ""}`;
    });
    process.stdout.write(`${HOME}${shown.join("\r\n")}${lines.length < rows ? CLEAR_BELOW : ""}`);
  }

  /** Waits for this long. Returns false, at once, if the screen was ended. */
  async wait(ms: number): Promise<boolean> {
    if (this.ended) return false;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    return !this.ended;
  }

  close(): void {
    if (!this.isOpen) return;
    this.isOpen = false;
    if (this.plain) return;
    if (process.stdin.isTTY) process.stdin.setRawMode(false).pause();
    process.stdout.write(LEAVE);
  }
}
