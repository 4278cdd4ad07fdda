/** What somebody meant who typed something else. */

/** Longer words are no typing errors. */
const TYPED_LENGTH_MAX = 20;

/** The candidate that takes the fewest edits, in any case of letters. */
export function nearestTo(word: string, candidates: readonly string[]): string {
  const typed = word.toLowerCase();
  const distances = candidates.map((candidate) => editDistance(typed, candidate.toLowerCase()));
  return candidates[distances.indexOf(Math.min(...distances))];
}

/** ` (did you mean X?)` for a candidate that is as near as a typing error; else empty. */
export function suggestion(word: string, candidates: readonly string[]): string {
  if (word.length > TYPED_LENGTH_MAX) return "";
  const nearest = nearestTo(word, candidates);
  const edits = editDistance(word.toLowerCase(), nearest.toLowerCase());
  return edits <= 2 && edits < word.length / 2 ? ` (did you mean ${nearest}?)` : "";
}

/** Letters inserted, left out, replaced, or swapped with the next one; a row of the table at a time. */
function editDistance(a: string, b: string): number {
  let above: number[] = [];
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const [aboveThat, before] = [above, row];
    row = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = before[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1);
      const isSwapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      const swapped = isSwapped ? aboveThat[j - 2] + 1 : Number.POSITIVE_INFINITY;
      row.push(Math.min(replaced, before[j] + 1, row[j - 1] + 1, swapped));
    }
    above = before;
  }
  return row[b.length];
}
