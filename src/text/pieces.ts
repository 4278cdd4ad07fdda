/** Long texts in pieces, each generated only when somebody reads it. */

/** A piece ends at this length, or after this many parts: some 0.2 ms of work. */
const PIECE_CHARS = 16 * 1024;
const PIECE_PARTS = 4;

export interface Pieces {
  /** The first piece: all of a short text. */
  readonly text: string;
  /** The remaining pieces. */
  readonly rest?: Iterator<string>;
}

/** @param parts some 0.05 ms of work each; empty ones count as work, too */
export function piecesOf(parts: Iterable<string>): Pieces {
  const source = parts[Symbol.iterator]();
  const first = nextPiece(source);
  if (first.done) return { text: first.value };
  const next = (): IteratorResult<string> => {
    const piece = nextPiece(source);
    return piece.done && piece.value === "" ? { value: undefined, done: true } : { value: piece.value };
  };
  return { text: first.value, rest: { next } };
}

function nextPiece(source: Iterator<string>): { value: string; done: boolean } {
  let value = "";
  for (let parts = 0; parts < PIECE_PARTS && value.length < PIECE_CHARS; parts++) {
    const part = source.next();
    if (part.done) return { value, done: true };
    value += part.value;
  }
  return { value, done: false };
}

/** Joins the results of `make`, `count` at a time. */
export function* joinedBy<Of>(count: number, all: Iterable<Of>, make: (one: Of) => string): Generator<string> {
  let text = "";
  let joined = 0;
  for (const one of all) {
    text += make(one);
    if (++joined % count !== 0) continue;
    yield text;
    text = "";
  }
  if (text !== "") yield text;
}
