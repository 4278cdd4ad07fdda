/** Text in columns, two spaces apart: for eyes, and for `awk`. */
import { joinedBy } from "./pieces.ts";

/** A longer cell is cut in its middle: one wide name must not make each of thousands of rows wide. */
const CELL_CHARS_MAX = 80;
const CUT = "...";

/** Rows that are measured, or written, between two chances to do something else. */
const PART_ROWS = 32;

/** A short table. @param right the columns whose cells end, rather than begin, at one place */
export function tableText(rows: readonly (readonly string[])[], right: readonly number[] = []): string {
  return [...tableParts(rows[0], () => rows.slice(1), right)].join("");
}

/**
 * A table in parts, the first of them empty: to measure rows is work, too.
 * @param rows is called twice, to measure and to write: rows need not be kept
 */
export function* tableParts(
  heads: readonly string[],
  rows: () => Iterable<readonly string[]>,
  right: readonly number[] = [],
): Generator<string> {
  const widths = heads.map(({ length }) => length);
  let measured = 0;
  for (const row of rows()) {
    row.forEach((cell, i) => {
      widths[i] = Math.max(widths[i], Math.min(cell.length, CELL_CHARS_MAX));
    });
    if (++measured % PART_ROWS === 0) yield "";
  }
  yield lineOf(heads, widths, right);
  yield* joinedBy(PART_ROWS, rows(), (row) => lineOf(row, widths, right));
}

function lineOf(row: readonly string[], widths: readonly number[], right: readonly number[]): string {
  const cells = row.map((cell, i) => {
    const shown = cutInMiddle(cell);
    return right.includes(i) ? shown.padStart(widths[i]) : shown.padEnd(widths[i]);
  });
  return `${cells.join("  ").trimEnd()}\n`;
}

function cutInMiddle(cell: string): string {
  if (cell.length <= CELL_CHARS_MAX) return cell;
  const kept = CELL_CHARS_MAX - CUT.length;
  const front = Math.ceil(kept / 2);
  return cell.slice(0, front) + CUT + cell.slice(cell.length - (kept - front));
}
