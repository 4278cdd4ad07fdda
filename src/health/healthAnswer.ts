/** What comes back on a node's management port after `health`, judged. */

/** Nothing that answers `health` needs more. */
const ANSWER_BYTES_MAX = 4096;

/** How statsd daemons say that they are to be left out: a whole line. */
const DOWN_LINE = /(?:^|\n)health: down\r?\n/;

export interface Judgement {
  /** Undefined: what came so far says nothing yet. */
  readonly verdict: "up" | "down" | "too long" | undefined;
  /** The answer ends where its line ends, and nothing came behind it: the next question can have no part of it. */
  readonly isWhole: boolean;
  /** More came than an answer: what comes next may be the answer to anything. */
  readonly isTooMuch: boolean;
}

/**
 * Judges all that came since the question, each byte one character. `up` anywhere passes, as it does with Etsy's proxy.
 *
 *     Welcome\nhealth: up and running\n
 *                      ^^                 the verdict is there
 *                        ^^^^^^^^^^^^^^   belongs to it
 *                                      ^  whatever comes here does not
 */
export function judge(text: string): Judgement {
  const up = text.indexOf("up");
  if (up !== -1) return judged("up", text, text.indexOf("\n", up) + 1);
  const down = DOWN_LINE.exec(text);
  if (down !== null) return judged("down", text, down.index + down[0].length);
  const isTooMuch = text.length > ANSWER_BYTES_MAX;
  return { verdict: isTooMuch ? "too long" : undefined, isWhole: false, isTooMuch };
}

/** `end`: behind the line end of the answer; 0: it has not come yet. */
function judged(verdict: "up" | "down", text: string, end: number): Judgement {
  const isTooMuch = end === 0 ? text.length > ANSWER_BYTES_MAX : end < text.length;
  return { verdict, isWhole: end === text.length, isTooMuch };
}
