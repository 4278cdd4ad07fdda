/** Parses the answer to `health` on a node's management port. */

/** No answer to `health` needs more. */
const ANSWER_BYTES_MAX = 4096;

/** How statsd daemons ask to be left out: a whole line. */
const DOWN_LINE = /(?:^|\n)health: down\r?\n/;

export interface ParsedAnswer {
  /** Undefined: undecided so far. */
  readonly verdict: "up" | "down" | "too long" | undefined;
  /** The answer ends at the end of its line, with nothing after it: none of it can be mistaken for the next answer. */
  readonly isComplete: boolean;
  /** There is more than one answer: whatever comes next may belong to anything. */
  readonly hasExtra: boolean;
}

/**
 * Parses everything received since the request, one character per byte. `up` anywhere passes, as with Etsy's proxy.
 *
 *     Welcome\nhealth: up and running\n
 *                      ^^                 decides the verdict
 *                        ^^^^^^^^^^^^^^   part of the answer
 *                                      ^  anything from here on is not
 */
export function parseAnswer(text: string): ParsedAnswer {
  const up = text.indexOf("up");
  if (up !== -1) return parsed("up", text, text.indexOf("\n", up) + 1);
  const down = DOWN_LINE.exec(text);
  if (down !== null) return parsed("down", text, down.index + down[0].length);
  const hasExtra = text.length > ANSWER_BYTES_MAX;
  return { verdict: hasExtra ? "too long" : undefined, isComplete: false, hasExtra };
}

/** `end`: just past the line end of the answer; 0: not received yet. */
function parsed(verdict: "up" | "down", text: string, end: number): ParsedAnswer {
  const hasExtra = end === 0 ? text.length > ANSWER_BYTES_MAX : end < text.length;
  return { verdict, isComplete: end === text.length, hasExtra };
}
