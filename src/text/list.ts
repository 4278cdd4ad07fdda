/** The first few of a list, and how many more there are: `a b and 3 more`. */
export function listText(all: readonly string[], shownMax: number, separator = " "): string {
  const more = all.length - shownMax;
  return [...all.slice(0, shownMax), ...(more > 0 ? [`and ${more} more`] : [])].join(separator);
}
