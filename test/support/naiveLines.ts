/** The line protocol by splitting strings: slow, and plain enough to be believed. Text is latin1, a character a byte. */
import { ANY_TYPE, EVENT_TYPE, SERVICE_CHECK_TYPE, Verdict } from "../../src/protocol/line.ts";

export const DEFAULT_TYPES = ["c", "g", "ms", "h", "s", "d", EVENT_TYPE, SERVICE_CHECK_TYPE];

export interface NaiveLine {
  readonly text: string;
  readonly verdict: Verdict;
  /** What the line is routed by; empty if it is refused. */
  readonly name: string;
}

/** The lines of a datagram that are not empty. */
export function naiveLines(datagram: string, types: readonly string[] = DEFAULT_TYPES): NaiveLine[] {
  return datagram
    .split("\n")
    .map((line) => (line.endsWith("\r") ? line.slice(0, -1) : line))
    .filter((line) => line !== "")
    .map((line) => naiveLine(line, types));
}

function naiveLine(text: string, types: readonly string[]): NaiveLine {
  const refused = (verdict: Verdict) => ({ text, verdict, name: "" });
  const passes = (type: string) => types.includes(ANY_TYPE) || types.includes(type);
  const [beforeColon, afterColon] = cut(text, ":");

  let name = beforeColon;
  let rest = afterColon;
  let special = "";
  if (text.startsWith("_sc|")) {
    special = SERVICE_CHECK_TYPE;
    [name, rest] = cut(text.slice("_sc|".length), "|");
  } else if (afterColon === undefined) {
    return refused(Verdict.noColon);
  } else if (text.startsWith("_e{")) {
    special = EVENT_TYPE;
    [name, rest] = cut(afterColon, "|");
  }
  if (name === "") return refused(Verdict.emptyName);
  const accepted = { text, verdict: Verdict.accepted, name };
  if (special !== "") {
    if (rest === undefined) return refused(Verdict.noPipe);
    return passes(special) ? accepted : refused(Verdict.unknownType);
  }

  const [, afterPipe] = cut(rest ?? "", "|");
  if (afterPipe === undefined) return refused(Verdict.noPipe);
  const [type] = afterPipe.split(/[|:]/);
  if (type === "") return refused(Verdict.emptyType);
  // On the list these two stand for kinds of lines; no metric is of such a type.
  if (type === EVENT_TYPE || type === SERVICE_CHECK_TYPE)
    return types.includes(ANY_TYPE) ? accepted : refused(Verdict.unknownType);
  return passes(type) ? accepted : refused(Verdict.unknownType);
}

/** The text before the first `separator`, and the text behind it (undefined: there is none). */
function cut(text: string, separator: string): [before: string, after: string | undefined] {
  const at = text.indexOf(separator);
  return at === -1 ? [text, undefined] : [text.slice(0, at), text.slice(at + separator.length)];
}
