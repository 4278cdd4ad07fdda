/** Parses the answer to `health` on a node's management port. */

/** No answer to `health` needs more. */
const ANSWER_BYTES_MAX = 4096;

/**
 * How statsd daemons say that they are well: a line that begins so, as far as its end or the next word. Etsy's proxy takes
 * `up` anywhere, and so takes `unsupported` and `backup` for an answer.
 */
const UP_LINE = /(?:^|\n)(?:health: *)?up(?=[^\w-])/;
/** How they ask to be left out: a whole line. */
const DOWN_LINE = /(?:^|\n)(?:health: *)?down\r?\n/;

export interface ParsedAnswer {
  /** Undefined: undecided so far. */
  readonly verdict: "up" | "down" | "too long" | undefined;
  /** The answer ends at the end of its line, with nothing after it: none of it can be mistaken for the next answer. */
  readonly isComplete: boolean;
  /** There is more than one answer: whatever comes next may belong to anything. */
  readonly hasExtra: boolean;
}

/**
 * Parses everything received since the request, one character per byte. The first line that tells counts.
 *
 *     Welcome\nhealth: up and running\n
 *              ^^^^^^^^^^                 decides the verdict
 *                        ^^^^^^^^^^^^^^   part of the answer
 *                                      ^  anything from here on is not
 *
 * @param expected what stands for up instead, anywhere
 */
export function parseAnswer(text: string, expected?: string): ParsedAnswer {
  const up = expected === undefined ? endOf(UP_LINE.exec(text)) : text.indexOf(expected);
  const down = DOWN_LINE.exec(text);
  if (down !== null && (up === -1 || down.index < up)) return parsed("down", text, down.index + down[0].length);
  if (up !== -1) return parsed("up", text, text.indexOf("\n", up) + 1);
  const hasExtra = text.length > ANSWER_BYTES_MAX;
  return { verdict: hasExtra ? "too long" : undefined, isComplete: false, hasExtra };
}

/** Whether it says up, if nothing more of it comes: its line has no end. */
export function isUpAtItsEnd(text: string): boolean {
  return parseAnswer(`${text}\n`).verdict === "up";
}

function endOf(match: RegExpExecArray | null): number {
  return match === null ? -1 : match.index + match[0].length;
}

/** `end`: just past the line end of the answer; 0: not received yet. */
function parsed(verdict: "up" | "down", text: string, end: number): ParsedAnswer {
  const hasExtra = end === 0 ? text.length > ANSWER_BYTES_MAX : end < text.length;
  return { verdict, isComplete: end === text.length, hasExtra };
}
