/**
 * Patterns on names. By bytes and without backtracking into more than the last `*`: at worst a step for each byte of
 * the pattern at each of the name.
 */

const STAR = 0x2a;
const QUESTION_MARK = 0x3f;

/** A pattern as bytes: `*` is any bytes, `?` is one; a word without either is looked for anywhere. */
export function globOf(pattern: string): Buffer {
  return Buffer.from(/[*?]/.test(pattern) ? pattern : `*${pattern}*`, "latin1");
}

/** What matching has cost so far: comparisons of two bytes. */
export interface Meter {
  steps: number;
}

/** Whether the whole of `bytes[start, end)` is as `glob` says. */
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
      // The last `*` takes one byte more.
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
