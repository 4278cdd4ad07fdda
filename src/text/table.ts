/** Text in columns, two spaces apart: for people, and for `awk`. */
import { joinedBy } from "./pieces.ts";

/** A longer cell is cut in the middle: one wide name must not widen each of thousands of rows. */
const CELL_CHARS_MAX = 80;
const CUT = "...";

/** Rows per step of measuring or writing: other work gets its turn in between. */
const ROWS_PER_STEP = 32;

/** A short table. @param right the columns to align right */
export function tableText(rows: readonly (readonly string[])[], right: readonly number[] = []): string {
  return [...tableParts(rows[0], () => rows.slice(1), right)].join("");
}

/**
 * A table in parts, the first of them empty: measuring rows is work, too.
 * @param rows called twice, to measure and to write, so rows need not be kept
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
    if (++measured % ROWS_PER_STEP === 0) yield "";
  }
  yield lineOf(heads, widths, right);
  yield* joinedBy(ROWS_PER_STEP, rows(), (row) => lineOf(row, widths, right));
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
