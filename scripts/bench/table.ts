/** A plain aligned table that is printed row by row, so that results show up at once. */

export interface Column {
  readonly title: string;
  /** Characters of the widest expected cell. */
  readonly width: number;
  readonly align: "left" | "right";
}

export function headerText(columns: readonly Column[]): string {
  return rowText(
    columns,
    columns.map(({ title }) => title),
  );
}

export function rowText(columns: readonly Column[], cells: readonly string[]): string {
  const aligned = columns.map(({ title, width, align }, i) => {
    const room = Math.max(title.length, width);
    return align === "left" ? cells[i].padEnd(room) : cells[i].padStart(room);
  });
  return aligned.join("  ").trimEnd();
}
