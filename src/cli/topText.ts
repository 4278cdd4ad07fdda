/** Figures in a frame of `top`. */
import { wholeText } from "../text/quantities.ts";

export interface FrameLine {
  readonly text: string;
  /** Something is lost, or a node is down. */
  readonly alarm: boolean;
}

/** A figure's growth per second; undefined: not known. */
export type PerSecond = (from: number | undefined, to: number | undefined) => number | undefined;

/** Without what a terminal would take for a command. */
export function printable(text: string): string {
  return text.replace(/\p{C}/gu, "?");
}

export function rateText(rate: number | undefined): string {
  if (rate === undefined) return "-";
  return rate === 0 || rate >= 9.95 ? countText(Math.round(rate)) : rate.toFixed(1);
}

export function countText(count: number | undefined): string {
  return count === undefined ? "-" : wholeText(count);
}

/** `1d 02:03:04` */
export function durationText(seconds: number): string {
  const whole = Math.floor(seconds);
  const parts = [Math.floor(whole / 3600) % 24, Math.floor(whole / 60) % 60, whole % 60];
  const days = Math.floor(whole / 86_400);
  return `${days > 0 ? `${days}d ` : ""}${parts.map((part) => String(part).padStart(2, "0")).join(":")}`;
}

/** In lines of this width, at most so many. */
export function wrapped(text: string, width: number, linesMax: number): string[] {
  if (text.length <= width) return [text];
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    if (line !== "" && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else line = line === "" ? word : `${line} ${word}`;
  }
  return [...lines, line].slice(0, linesMax);
}
