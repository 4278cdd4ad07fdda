/**
 * Patterns for names. Compares bytes, and backtracks only to the last `*`: at worst one step per byte of the pattern
 * and byte of the name.
 */

const STAR = 0x2a;
const QUESTION_MARK = 0x3f;

/** A pattern as bytes: `*` matches any bytes, `?` a single one; a word without either matches anywhere. */
export function globOf(pattern: string): Buffer {
  return Buffer.from(/[*?]/.test(pattern) ? pattern : `*${pattern}*`, "latin1");
}

/** The cost of matching so far, in byte comparisons. */
export interface Meter {
  steps: number;
}

/** Whether `glob` matches all of `bytes[start, end)`. */
export function globMatches(glob: Uint8Array, bytes: Uint8Array, start: number, end: number, meter?: Meter): boolean {
  let at = start;
  let g = 0;
  let star = -1;
  let starAt = start;
  let steps = 0;
  let matches = true;
  while (at < end) {
    steps++;
    if (g < glob.length && glob[g] === STAR) {
      star = g++;
      starAt = at;
    } else if (g < glob.length && (glob[g] === QUESTION_MARK || glob[g] === bytes[at])) {
      g++;
      at++;
    } else if (star !== -1) {
      // The last `*` takes one more byte.
      g = star + 1;
      at = ++starAt;
    } else {
      matches = false;
      break;
    }
  }
  if (meter) meter.steps += steps;
  while (g < glob.length && glob[g] === STAR) g++;
  return matches && g === glob.length;
}
