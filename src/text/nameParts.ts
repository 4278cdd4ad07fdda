/**
 * Names of many nodes are long, and much alike: where there is little room, what must be seen is where they differ.
 *
 *     metrics-backend-eu-west-1-31.prod.example.com
 *     |------- head ----------|  |----- tail -----|    own: 31
 */

export interface NameParts {
  /** What all have in common at the front. */
  readonly head: string;
  /** What tells it from the others. */
  readonly own: string;
  /** What all have in common at the end. */
  readonly tail: string;
}

/** A longer part of its own does not fit anyway: then the name's end is what is kept. */
const OWN_MAX = 24;
const END_KEPT = 12;
const CUT = "..";

/** Whole words are in common, not single letters. */
export function namePartsOf(names: readonly string[]): NameParts[] {
  const { front, back } = inCommon(names);
  return names.map((name) => {
    const end = name.length - back;
    if (end - front <= OWN_MAX)
      return { head: name.slice(0, front), own: name.slice(front, end), tail: name.slice(end) };
    const kept = name.length - END_KEPT;
    return { head: name.slice(0, kept), own: name.slice(kept), tail: "" };
  });
}

/** In so many characters; what they have in common is left out first, from its end. */
export function cutName({ head, own, tail }: NameParts, width: number): string {
  const name = head + own + tail;
  if (name.length <= width) return name;
  const tailRoom = width - head.length - own.length - CUT.length;
  if (tailRoom >= 0 && tail !== "") return head + own + tail.slice(0, tailRoom) + CUT;
  const end = own + (tail === "" ? "" : CUT);
  const headRoom = width - end.length - CUT.length;
  return headRoom >= 0 ? head.slice(0, headRoom) + CUT + end : own.slice(0, Math.max(0, width));
}

function inCommon(names: readonly string[]): { front: number; back: number } {
  if (names.length < 2) return { front: 0, back: 0 };
  const [first] = names;
  const shortest = Math.min(...names.map(({ length }) => length));
  let front = 0;
  while (front < shortest && names.every((name) => name[front] === first[front])) front++;
  while (front > 0 && isOfWord(first[front - 1])) front--;
  let back = 0;
  while (back < shortest - front && names.every((name) => name.at(-1 - back) === first.at(-1 - back))) back++;
  while (back > 0 && isOfWord(first[first.length - back])) back--;
  return { front, back };
}

function isOfWord(char: string): boolean {
  return /[\p{L}\p{N}]/u.test(char);
}
