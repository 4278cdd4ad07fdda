/** Long texts in pieces, each made only when there is somebody who reads it. */

/** A piece is finished when it is so long, or was made of so many parts: some 0.2 ms of work. */
const PIECE_CHARS = 16 * 1024;
const PIECE_PARTS = 4;

export interface Pieces {
  /** The first piece: of a short text all of it. */
  readonly text: string;
  /** What comes behind it. */
  readonly rest?: Iterator<string>;
}

/** @param parts some 0.05 ms of work each; empty ones are work, too */
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

/** What `make` makes of each, so many together. */
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
