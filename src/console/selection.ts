/** `[PATTERN] [LIMIT]`, as `tap` and `names` take them. */

/** Whoever writes `-1` or `1e9` means a limit, too. */
const NUMBER = /^[-+]?\d+(?:e\d+)?$/i;

/** Limit for a pattern. */
export const PATTERN_BYTES_MAX = 255;

export interface Selection {
  /** One character per byte; undefined: everything. */
  readonly pattern: string | undefined;
  readonly limit: number;
}

/** A single number is a limit, and no pattern, also if it is none that a limit can be. Undefined: invalid. */
export function selectionOf(
  words: readonly string[],
  { limitDefault, limitMax }: { readonly limitDefault: number; readonly limitMax: number },
): Selection | undefined {
  const rest = [...words];
  const last = NUMBER.test(rest.at(-1) ?? "") ? rest.pop() : undefined;
  const limit = last === undefined ? limitDefault : Number(last);
  if (rest.length > 1 || !Number.isInteger(limit) || limit < 1 || limit > limitMax) return undefined;
  if ((rest[0]?.length ?? 0) > PATTERN_BYTES_MAX) return undefined;
  return { pattern: rest[0], limit };
}
