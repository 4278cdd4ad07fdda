/** Text in columns, two spaces apart: for eyes, and for `awk`. */

/** @param right the columns whose cells end, rather than begin, at one place */
export function tableText(rows: readonly (readonly string[])[], right: readonly number[] = []): string {
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  const line = (row: readonly string[]) => {
    const cells = row.map((cell, i) => (right.includes(i) ? cell.padStart(widths[i]) : cell.padEnd(widths[i])));
    return `${cells.join("  ").trimEnd()}\n`;
  };
  return rows.map(line).join("");
}
